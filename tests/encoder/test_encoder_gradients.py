"""Backward passes written by hand equal those of autograd, in fp32 and in half precision."""

import pytest
import torch
import torch.nn.functional as F
from encoder_reference import make_windows, measure_difference
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spacy_bert_plugin.encoder import BertEncoder, gradients, pack
from spacy_bert_plugin.encoder.gradients import (
    apply_half_linear,
    attend_in_buckets,
    draw_mask,
    drop,
)
from spacy_bert_plugin.encoder.kernels import attend, attend_grouped
from spacy_bert_plugin.encoder.plan import AttentionPlan, Bucket

CPU = torch.device("cpu")
N_HEADS, WIDTH = 3, 12
LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=8).map(tuple)
PACKED = pack(make_windows([4, 30, 9, 4, 31, 1]))


def make_qkv(lengths: tuple[int, ...], *, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    return torch.randn(sum(lengths), 3 * WIDTH, requires_grad=True)


def differentiate(function: object, qkv: Tensor, lengths: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Output of a kernel, and the gradient of an arbitrary function of it."""
    output = function(qkv, AttentionPlan(lengths, CPU), n_heads=N_HEADS)  # type: ignore[operator]
    weights = torch.linspace(-1.0, 2.0, output.numel()).view_as(output)
    (gradient,) = torch.autograd.grad((output.sin() * weights).sum(), qkv)
    return output.detach(), gradient


@given(LENGTHS)
def test_buckets_attend_as_windows_alone_do(lengths: tuple[int, ...]) -> None:
    qkv = make_qkv(lengths)
    output, gradient = differentiate(attend_in_buckets, qkv, lengths)
    expected, expected_gradient = differentiate(attend_grouped, qkv, lengths)
    assert measure_difference(output, expected) <= 1e-5
    assert measure_difference(gradient, expected_gradient) <= 1e-4


@given(LENGTHS, st.data())
def test_no_window_reads_another(lengths: tuple[int, ...], data: st.DataObject) -> None:
    """Gradients flow to a window from itself alone."""
    chosen = data.draw(st.integers(0, len(lengths) - 1))
    qkv = make_qkv(lengths)
    output = attend_in_buckets(qkv, AttentionPlan(lengths, CPU), n_heads=N_HEADS)
    output.split(lengths)[chosen].square().sum().backward()
    for number, part in enumerate(torch.as_tensor(qkv.grad).split(lengths)):
        assert bool(part.any()) == (number == chosen)


@pytest.mark.parametrize("lengths", [(5, 5), (3, 6, 8, 20, 17)])
def test_dropped_attention_equals_autograd_with_the_same_masks(
    monkeypatch: pytest.MonkeyPatch, lengths: tuple[int, ...]
) -> None:
    drawn: list[Tensor] = []

    def remember(*args: object, **kwargs: object) -> Tensor:
        drawn.append(draw_mask(*args, **kwargs))  # type: ignore[arg-type]
        return drawn[-1]

    monkeypatch.setattr(gradients, "draw_mask", remember)
    qkv = make_qkv(lengths)
    plan = AttentionPlan(lengths, CPU)
    output = attend_in_buckets(qkv, plan, n_heads=N_HEADS, dropout=0.3)
    masks = [window for mask in drawn for window in mask.split(N_HEADS)]
    parts = []
    for rows, mask in zip(qkv.split(lengths), masks, strict=True):
        query, key, value = rows.view(len(rows), 3, N_HEADS, -1).permute(1, 2, 0, 3)
        weights = (query @ key.transpose(1, 2) / (WIDTH / N_HEADS) ** 0.5).softmax(-1)
        context = (weights * mask[:, : len(rows), : len(rows)]) @ value
        parts.append(context.transpose(0, 1).reshape(len(rows), WIDTH))
    expected = torch.cat(parts)
    assert measure_difference(output, expected) <= 1e-5
    (gradient,) = torch.autograd.grad(output.sin().sum(), qkv)
    (expected_gradient,) = torch.autograd.grad(expected.sin().sum(), qkv)
    assert measure_difference(gradient, expected_gradient) <= 1e-4
    assert bool((drawn[0] == 0).any())


def test_buckets_are_used_where_a_gradient_flows(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(
        "spacy_bert_plugin.encoder.kernels.attend_in_buckets",
        lambda qkv, plan, **_: calls.append(len(qkv)) or qkv[:, :WIDTH],
    )
    plan = AttentionPlan((2, 3), CPU)
    attend(make_qkv((2, 3)).detach(), plan, n_heads=N_HEADS)
    assert calls == []
    attend(make_qkv((2, 3)), plan, n_heads=N_HEADS)
    assert calls == [5]


@given(LENGTHS, st.sampled_from([1, 4, 8, 16]))
def test_buckets_hold_every_row_once(lengths: tuple[int, ...], step: int) -> None:
    plan = AttentionPlan(lengths, CPU)
    buckets = plan.list_buckets(step)
    assert sum(bucket.n_windows for bucket in buckets) == len(lengths)
    assert plan.list_buckets(step) is buckets
    rows = torch.arange(1.0, sum(lengths) + 1)[:, None]
    sizes = [bucket.n_rows for bucket in buckets]
    for bucket, part in zip(buckets, rows.split(sizes), strict=True):
        padded = bucket.pad(part)
        assert len(padded) == bucket.n_windows * bucket.length
        assert torch.equal(bucket.unpad(padded), part)
        is_real = padded.view(bucket.n_windows, bucket.length) > 0
        if bucket.bias is None:
            assert bool(is_real.all())
        else:
            assert torch.equal(bucket.bias[:, 0, 0] == 0.0, is_real)
            assert not is_real.all()


def test_a_bucket_of_equal_windows_is_not_padded() -> None:
    bucket = Bucket.of((3, 3), CPU)
    x = torch.ones(6, 2)
    assert bucket.pad(x) is x
    assert bucket.unpad(x) is x
    padded = Bucket.of((1, 3), CPU)
    assert padded.pad(torch.ones(4, 1))[:, 0].tolist() == [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]


def make_half_inputs() -> tuple[Tensor, list[Tensor], Tensor]:
    """x in half precision, weights and biases of two maps, and a gradient of the output."""
    torch.manual_seed(1)
    x = torch.randn(40, 8).bfloat16().requires_grad_()
    sources = [torch.randn(5, 8), torch.randn(5), torch.randn(3, 8), torch.randn(3)]
    return x, [source.requires_grad_() for source in sources], torch.randn(40, 8).bfloat16()


def apply_halves(x: Tensor, sources: list[Tensor]) -> Tensor:
    with torch.no_grad():
        weight = torch.cat(sources[::2]).bfloat16()
        bias = torch.cat(sources[1::2]).bfloat16()
    return apply_half_linear(x, weight, bias, sources)


def test_half_linear_equals_autograd_of_the_same_computation() -> None:
    x, sources, dy = make_half_inputs()
    weight, bias = (torch.cat(sources[i::2]).bfloat16() for i in (0, 1))
    expected = F.linear(x, weight, bias)
    output = apply_halves(x, sources)
    assert torch.equal(output, expected)
    wanted = torch.autograd.grad(expected, [x, *sources], dy)
    found = torch.autograd.grad(output, [x, *sources], dy)
    assert torch.equal(found[0], wanted[0])
    for ours, theirs, source in zip(found[1:], wanted[1:], sources, strict=True):
        assert ours.dtype == torch.float32
        assert ours.shape == source.shape
        if source.ndim == 2:
            torch.testing.assert_close(ours, theirs, rtol=2**-7, atol=1e-2)
    sums = dy.float().sum(0)  # biases are summed in fp32, which bf16 would round
    torch.testing.assert_close(torch.cat([found[2], found[4]]), sums, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("frozen", [(0,), (1, 2), (0, 1, 2, 3)])
def test_half_linear_leaves_out_what_is_frozen(frozen: tuple[int, ...]) -> None:
    x, sources, dy = make_half_inputs()
    apply_halves(x, sources).backward(dy)
    expected = [source.grad for source in sources]
    x_gradient = x.grad
    x.grad = None
    for number, source in enumerate(sources):
        source.grad = None
        source.requires_grad_(number not in frozen)
    apply_halves(x, sources).backward(dy)
    assert torch.equal(torch.as_tensor(x.grad), torch.as_tensor(x_gradient))
    for number, source in enumerate(sources):
        if number in frozen:
            assert source.grad is None
        else:
            assert torch.equal(torch.as_tensor(source.grad), torch.as_tensor(expected[number]))


def test_half_linear_needs_no_gradient_of_its_input() -> None:
    x, sources, dy = make_half_inputs()
    apply_halves(x.detach(), sources).backward(dy)
    assert x.grad is None
    assert all(source.grad is not None for source in sources)


def test_training_in_half_precision_is_near_fp32(bert: BertEncoder) -> None:
    def collect(dtype: torch.dtype | None) -> dict[str, Tensor]:
        bert.zero_grad()
        output = bert(PACKED, dtype=dtype).last
        assert output.dtype == torch.float32
        torch.manual_seed(0)
        (output * torch.randn_like(output)).sum().backward()
        return {n: p.grad.clone() for n, p in bert.named_parameters() if p.grad is not None}

    exact, half = collect(None), collect(torch.bfloat16)
    assert set(half) == set(exact)
    assert len(half) == len(dict(bert.named_parameters())) - 2  # no pooler
    for name, gradient in half.items():
        assert gradient.dtype == torch.float32
        if name.endswith("key.bias"):  # adds the same to all scores of a piece: no gradient
            largest = half[name.replace("bias", "weight")].abs().max()
            assert float(gradient.abs().max()) < 0.05 * float(largest)
            continue
        cosine = torch.cosine_similarity(gradient.flatten(), exact[name].flatten(), dim=0)
        assert float(cosine) > 0.99, name


def test_half_weights_are_cast_once_a_step(bert: BertEncoder) -> None:
    layer = bert.layers[0]
    bert(PACKED, dtype=torch.bfloat16)
    ready = layer._up_cache.get((layer.up,), torch.bfloat16, is_plain=True)
    assert not ready.is_reordered
    bert(PACKED, dtype=torch.bfloat16).last.square().sum().backward()
    assert layer._up_cache.get((layer.up,), torch.bfloat16, is_plain=True) is ready
    torch.optim.SGD(bert.parameters(), lr=0.1).step()
    bert(PACKED, dtype=torch.bfloat16)
    fresh = layer._up_cache.get((layer.up,), torch.bfloat16, is_plain=True)
    assert fresh is not ready
    assert torch.equal(fresh.weight, layer.up.weight.detach().bfloat16())
    assert not torch.equal(fresh.weight, ready.weight)


def test_plain_and_reordered_weights_lie_side_by_side(bert: BertEncoder) -> None:
    layer = bert.layers[0]
    bert(PACKED, dtype=torch.bfloat16)
    with torch.inference_mode():
        predicted = bert(PACKED, dtype=torch.bfloat16).last
    trained = bert(PACKED, dtype=torch.bfloat16).last
    assert len(layer._up_cache) == 2
    assert torch.cosine_similarity(trained.detach(), predicted, dim=-1).min() > 0.999


@given(st.floats(0.05, 0.95), st.integers(0, 1000))
def test_drop_keeps_the_mean(rate: float, seed: int) -> None:
    torch.manual_seed(seed)
    x = torch.full((100, 301), 2.0)
    dropped = drop(x, rate)
    share = float((dropped == 0.0).float().mean())
    assert share == pytest.approx(rate, abs=0.02)
    assert float(dropped.mean()) == pytest.approx(2.0, rel=0.12)
    assert len(dropped.unique()) == 2


def test_drop_is_repeated_by_the_seed() -> None:
    x = torch.randn(50, 7)
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append((drop(x, 0.3), drop(x, 0.3)))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    assert not torch.equal(results[0][0], results[2][0])
    assert not torch.equal(results[0][0], results[0][1])


def test_drop_at_the_borders() -> None:
    x = torch.randn(6, 5)
    assert drop(x, 0.0) is x
    assert not drop(x, 1.0).any()
    assert drop(x[:0], 0.5).shape == (0, 5)
    assert drop(x.bfloat16(), 0.5).dtype == torch.bfloat16
    # The rarest there is: never none of them.
    assert float((draw_mask((400, 256), 1e-9, dtype=torch.float32) == 0).float().mean()) > 0.001


def test_gradient_of_drop_passes_where_values_were_kept() -> None:
    x = torch.randn(40, 9, requires_grad=True)
    dropped = drop(x, 0.25)
    dropped.sum().backward()
    is_kept = dropped != 0.0
    gradient = torch.as_tensor(x.grad)
    assert torch.equal(gradient != 0.0, is_kept)
    torch.testing.assert_close(gradient[is_kept], torch.full((int(is_kept.sum()),), 4 / 3))
