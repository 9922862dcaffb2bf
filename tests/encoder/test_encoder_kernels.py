"""Every way to compute attention gives what a loop over windows and heads gives."""

from collections.abc import Callable

import pytest
import torch
from encoder_reference import measure_difference
from torch import Tensor

from spacy_bert_plugin.encoder import BertEncoder, EncoderConfig, kernels, pack
from spacy_bert_plugin.encoder.kernels import attend, attend_grouped, attend_padded, has_varlen
from spacy_bert_plugin.encoder.plan import AttentionPlan, plan_attention

N_HEADS, WIDTH = 3, 12
CPU = torch.device("cpu")
BATCHES = [(1,), (5, 5), (2, 2, 7), (1, 3, 9, 9, 60), tuple([8] * 30), (70, 30, 1)]


def make_qkv(lengths: tuple[int, ...]) -> Tensor:
    torch.manual_seed(sum(lengths))
    return torch.randn(sum(lengths), 3 * WIDTH)


def attend_slowly(qkv: Tensor, lengths: tuple[int, ...]) -> Tensor:
    outputs = []
    for rows in qkv.split(lengths):
        query, key, value = (x.view(len(rows), N_HEADS, -1) for x in rows.split(WIDTH, dim=1))
        heads = []
        for head in range(N_HEADS):
            scores = query[:, head] @ key[:, head].T / (WIDTH / N_HEADS) ** 0.5
            heads.append(scores.softmax(-1) @ value[:, head])
        outputs.append(torch.cat(heads, dim=1))
    return torch.cat(outputs)


@pytest.mark.parametrize("lengths", BATCHES)
@pytest.mark.parametrize("function", [attend, attend_grouped, attend_padded])
@pytest.mark.parametrize("limit", [0, 24, 512])
@pytest.mark.parametrize("max_bytes", [1, 2000, 2 << 20])
def test_kernels_agree(
    monkeypatch: pytest.MonkeyPatch,
    lengths: tuple[int, ...],
    function: Callable[..., Tensor],
    limit: int,
    max_bytes: int,
) -> None:
    monkeypatch.setattr(kernels, "LONGEST_BY_MATMUL", {torch.float32: limit})
    monkeypatch.setattr(kernels, "FEWEST_ROWS_BY_MATMUL", 1)
    monkeypatch.setattr(kernels, "MAX_SCORE_BYTES", max_bytes)
    qkv = make_qkv(lengths)
    found = function(qkv, AttentionPlan(lengths, CPU), n_heads=N_HEADS)
    assert measure_difference(found, attend_slowly(qkv, lengths)) <= 2e-6


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("lengths", [(1,), (1,) * 100, (40, *([1] * 9)), (1,) * 9 + (40,)])
def test_a_piece_alone_keeps_its_value(lengths: tuple[int, ...], dtype: torch.dtype) -> None:
    qkv = make_qkv(lengths).to(dtype)
    with torch.inference_mode():
        found = attend_grouped(qkv, AttentionPlan(lengths, CPU), n_heads=N_HEADS)
    alone = torch.tensor([length == 1 for length in lengths for _ in range(length)])
    assert found.shape == (sum(lengths), WIDTH)
    assert torch.equal(found[alone], qkv[alone, 2 * WIDTH :])
    assert measure_difference(found.float(), attend_slowly(qkv.float(), lengths)) <= 0.05


@pytest.mark.parametrize("function", [attend_grouped, attend_padded])
@pytest.mark.parametrize("dropout", [0.0, 1e-9])
def test_gradients_of_kernels_agree(function: Callable[..., Tensor], dropout: float) -> None:
    lengths = (4, 4, 9, 31)
    ours, expected = (make_qkv(lengths).requires_grad_() for _ in range(2))
    function(
        ours, AttentionPlan(lengths, CPU), n_heads=N_HEADS, dropout=dropout
    ).sin().sum().backward()
    attend_slowly(expected, lengths).sin().sum().backward()
    assert measure_difference(ours.grad, expected.grad) <= 1e-5


def test_no_rows() -> None:
    qkv = torch.zeros(0, 3 * WIDTH)
    assert attend(qkv, AttentionPlan((), CPU), n_heads=N_HEADS).shape == (0, WIDTH)


def test_plan_draws_padding() -> None:
    plan = AttentionPlan((3, 3, 2), CPU)
    assert plan.groups == [(2, 3), (1, 2)]
    assert plan.borders.tolist() == [0, 3, 6, 8]
    assert plan.borders.dtype == torch.int32
    assert plan.padded_rows.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert plan.padded_mask.tolist() == [[True] * 3, [True] * 3, [True, True, False]]
    assert AttentionPlan((1, 2), CPU).padded_rows.tolist() == [0, 2, 3]


@pytest.mark.parametrize(
    ("lengths", "planned", "rows"),
    [
        ((), (), None),
        ((0,), (), None),
        ((1, 2, 2), (1, 2, 2), None),
        ((3, 0, 1), (3, 1), None),
        ((2, 1, 2), (1, 2, 2), [2, 0, 1, 3, 4]),
        ((2, 0, 3, 1), (1, 2, 3), [5, 0, 1, 2, 3, 4]),
    ],
)
def test_plan_sorts_only_what_is_unsorted(
    lengths: tuple[int, ...], planned: tuple[int, ...], rows: list[int] | None
) -> None:
    plan, order = plan_attention(lengths, device=CPU)
    assert plan.lengths == planned
    assert (order if order is None else order.tolist()) == rows


def test_devices_other_than_cpu_need_no_order() -> None:
    plan, order = plan_attention((2, 1, 2), device=torch.device("meta"))
    assert plan.lengths == (2, 1, 2)
    assert order is None


def test_cpu_has_no_variable_length_kernel() -> None:
    assert not has_varlen(CPU, torch.bfloat16, 32)
    assert not has_varlen(torch.device("cuda"), torch.float32, 32)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_cuda_equals_cpu(dtype: torch.dtype | None) -> None:
    config = EncoderConfig(
        vocab_size=67,
        width=64,
        n_layers=2,
        n_heads=2,
        hidden_width=96,
        n_positions=80,
        n_segments=2,
        embedding_width=64,
        initializer_range=0.1,
    )
    encoder = BertEncoder(config)
    packed = pack([[7] * n for n in (3, 70, 1, 20, 3)])
    expected = encoder(packed).last.detach()
    encoder.to("cuda")
    with torch.inference_mode():
        found = encoder(packed.to("cuda"), dtype=dtype).last.cpu()
    assert torch.cosine_similarity(found, expected, dim=-1).min() > (
        0.99999 if dtype is None else 0.99
    )
    trained = encoder(packed.to("cuda"), dtype=dtype).last
    assert torch.cosine_similarity(trained.detach().cpu(), expected, dim=-1).min() > 0.99
    trained.sum().backward()


@pytest.mark.parametrize("lengths", [(60,), (1, 3, 9, 9, 60), tuple([8] * 30)])
@pytest.mark.parametrize("size", [0.1, 1.0, 30.0, 1000.0])
def test_scores_of_any_size_work_in_bf16(
    monkeypatch: pytest.MonkeyPatch, lengths: tuple[int, ...], size: float
) -> None:
    """Exponentials of large scores leave the range of the type; then the softmax is taken."""
    monkeypatch.setattr(kernels, "FEWEST_ROWS_BY_MATMUL", 1)
    qkv = make_qkv(lengths).bfloat16()
    qkv[:, : 2 * WIDTH] *= size**0.5
    with torch.inference_mode():
        found = attend_grouped(qkv, AttentionPlan(lengths, CPU), n_heads=N_HEADS)
    # bf16 rounds scores of this size by up to half a step of 2^-8 of them.
    exact = attend_slowly(qkv.float(), lengths)
    assert bool(torch.isfinite(found).all())
    if size <= 1.0:
        assert measure_difference(found.float(), exact) <= 0.05
    assert float(found.abs().max()) <= float(qkv[:, 2 * WIDTH :].abs().max()) * 1.01


@pytest.mark.parametrize(
    "lengths", [(65,), (96, 90, 81, 81), (600, 7), (90, 80, 48, 3, 3), (60, 59, 58, 57, 25, 25, 25)]
)
@pytest.mark.parametrize("size", [1.0, 30.0])
def test_padding_of_blocks_changes_nothing(lengths: tuple[int, ...], size: float) -> None:
    qkv = make_qkv(lengths).bfloat16()
    qkv[:, : 2 * WIDTH] *= size**0.5
    with torch.inference_mode():
        together = attend_grouped(qkv, AttentionPlan(lengths, CPU), n_heads=N_HEADS)
        parts = zip(lengths, qkv.split(lengths), strict=True)
        alone = [attend_grouped(x, AttentionPlan((n,), CPU), n_heads=N_HEADS) for n, x in parts]
    exact = attend_slowly(qkv.float(), lengths)
    assert bool(torch.isfinite(together).all())
    if size == 1.0:  # bf16 rounds larger scores by too much
        assert measure_difference(together.float(), exact) <= 0.05
        assert measure_difference(together.float(), torch.cat(alone).float()) <= 0.05


def test_products_have_few_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that keeps code for every shape would grow with each new text otherwise."""
    shapes, multiply = set(), torch.bmm

    def note(first: Tensor, second: Tensor) -> Tensor:
        shapes.add(first.shape)
        return multiply(first, second)

    monkeypatch.setattr(torch, "bmm", note)
    generator = torch.Generator().manual_seed(0)
    n_seen = set()
    for _ in range(600):
        most = 64 if len(n_seen) % 2 else 512
        length = int(torch.randint(1, 1 + most, (), generator=generator))
        n_windows = int(torch.randint(1, 1 + 1024 // length, (), generator=generator))
        n_seen.add((length, n_windows))
        qkv = torch.zeros(n_windows * length, 3 * WIDTH, dtype=torch.bfloat16)
        with torch.inference_mode():
            attend_grouped(qkv, AttentionPlan((length,) * n_windows, CPU), n_heads=N_HEADS)
    assert len(n_seen) > 400
    assert 1 < len(shapes) <= 220


@pytest.mark.parametrize(
    ("n_windows", "length", "expected"),
    [
        (0, 10, []),
        (4, 10, [(4, False)]),
        (7, 10, [(7, False)]),
        (23, 10, [(16, True), (7, False)]),
        (23, 16, [(16, True), (4, True), (3, False)]),
        (3, 600, [(3, False)]),
        (3, 512, [(1, True)] * 3),
    ],
)
def test_blocks_are_cut_into_powers(
    n_windows: int, length: int, expected: list[tuple[int, bool]]
) -> None:
    assert list(kernels._split_block(n_windows, length, 4, torch.bfloat16)) == expected


def test_few_lengths_in_blocks() -> None:
    assert AttentionPlan((600, 600, 90, 82, 81, 64, 63, 63, 58, 25, 24, 15), CPU).blocks == [
        (600, (600, 600)),
        (96, (90, 82, 81)),
        (64, (64, 63, 63)),
        (60, (58,)),
        (28, (25,)),
        (24, (24,)),
        (15, (15,)),
    ]
    assert AttentionPlan((), CPU).blocks == []


@pytest.mark.parametrize(("size", "is_in_range"), [(1.0, True), (1e4, False)])
def test_the_range_of_exponentials_is_watched(size: float, is_in_range: bool) -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 6, 4).bfloat16()
    found = kernels._weigh_by_exp(query * size, key, value)
    assert (found is not None) == is_in_range
    if found is not None:
        weights = (query.float() @ key.float().transpose(1, 2) / 2).softmax(-1)
        torch.testing.assert_close(found.float(), weights @ value.float(), atol=0.03, rtol=0.03)
    assert kernels._weigh_by_exp(query.float(), key.float(), value.float()) is None
