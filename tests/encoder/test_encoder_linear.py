"""Weights made ready for prediction follow every change of the parameters."""

import copy
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from encoder_reference import build_reference, convert, make_windows, measure_difference
from torch import Tensor, nn

from spacy_bert_plugin.encoder import BertEncoder, linear, pack
from spacy_bert_plugin.encoder.linear import WeightCache, apply_linear, apply_norm, has_onednn

PACKED = pack(make_windows([4, 30, 9, 4]))
TYPES = [None, torch.bfloat16]


def predict(encoder: BertEncoder, dtype: torch.dtype | None = None) -> Tensor:
    with torch.inference_mode():
        return encoder(PACKED, dtype=dtype).last


def compute_plainly(encoder: BertEncoder) -> Tensor:
    return encoder(PACKED).last.detach()  # with gradients: the parameters themselves


def add_in_place(encoder: BertEncoder) -> None:
    with torch.no_grad():
        encoder.layers[1].up.weight.add_(0.1)


def add_to_query(encoder: BertEncoder) -> None:
    with torch.inference_mode():
        encoder.layers[0].attention.query.bias.add_(1.0)


def load_state(encoder: BertEncoder) -> None:
    encoder.load_state_dict({k: v * 0.9 for k, v in encoder.state_dict().items()})


def assign_state(encoder: BertEncoder) -> None:
    state = {k: v * 0.9 for k, v in encoder.state_dict().items()}
    encoder.load_state_dict(state, assign=True)


def step_optimizer(encoder: BertEncoder) -> None:
    encoder(PACKED).last.square().sum().backward()
    torch.optim.AdamW(encoder.parameters(), lr=0.05).step()


def replace_data(encoder: BertEncoder) -> None:
    for parameter in encoder.parameters():
        parameter.data = parameter.data * 0.9


def write_past_torch(encoder: BertEncoder) -> None:
    encoder.layers[2].down.weight.detach().numpy()[:] *= 0.5
    encoder.forget_weights()


def replace_module(encoder: BertEncoder) -> None:
    encoder.layers[0].down = nn.Linear(40, 24)


CHANGES = [
    add_in_place,
    add_to_query,
    load_state,
    assign_state,
    step_optimizer,
    replace_data,
    write_past_torch,
    replace_module,
]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("change", CHANGES)
def test_prediction_follows_changes(
    bert: BertEncoder, change: Callable[[BertEncoder], None], dtype: torch.dtype | None
) -> None:
    before = predict(bert, dtype)
    for _ in range(2):  # the second time old memory may be used again
        change(bert)
        after = predict(bert, dtype)
        assert measure_difference(after, before) > 1e-2
        expected = compute_plainly(bert)
        if dtype is None:
            assert measure_difference(after, expected) <= 1e-5
        else:
            assert torch.cosine_similarity(after, expected, dim=-1).min() > 0.99
        before = after


def test_cast_encoder_predicts_in_its_type(bert: BertEncoder) -> None:
    expected = predict(bert)
    bert.to(torch.float64)
    assert predict(bert).dtype == torch.float64
    assert measure_difference(predict(bert).float(), expected) <= 1e-5
    bert.to(torch.float32)
    assert measure_difference(predict(bert), expected) <= 1e-5


def test_copy_has_weights_of_its_own(bert: BertEncoder) -> None:
    expected = predict(bert)
    copied = copy.deepcopy(bert)
    add_in_place(copied)
    assert torch.equal(predict(bert), expected)
    assert measure_difference(predict(copied), expected) > 1e-2
    assert copied.config == bert.config


def test_cache_is_no_part_of_the_state(bert: BertEncoder) -> None:
    names = set(bert.state_dict())
    predict(bert)
    assert set(bert.state_dict()) == names == {name for name, _ in bert.named_parameters()}


def test_frozen_layers_run_fast_below_a_gradient(bert: BertEncoder) -> None:
    for module in (bert.embeddings, *bert.layers[:2]):
        module.requires_grad_(False)
    expected = predict(bert)
    bert.forget_weights()
    output = bert(PACKED).last
    assert measure_difference(output, expected) <= 1e-5
    assert len(bert.layers[1]._up_cache) == 1  # computed as in prediction
    assert len(bert.layers[2]._up_cache) == 0  # gradient needed
    output.sum().backward()
    assert bert.layers[2].up.weight.grad is not None
    assert bert.layers[1].up.weight.grad is None


def test_training_without_autocast_may_ask_for_a_type(bert: BertEncoder) -> None:
    output = bert(PACKED, dtype=torch.bfloat16).last
    assert torch.cosine_similarity(output, compute_plainly(bert), dim=-1).min() > 0.99
    output.sum().backward()
    assert bert.layers[0].up.weight.grad.dtype == torch.float32


def test_autocast_decides_the_type(bert: BertEncoder) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = bert(PACKED, dropout=0.1, attention_dropout=0.1).last
    output.float().sum().backward()
    assert torch.isfinite(bert.layers[0].up.weight.grad).all()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        output = bert(PACKED).last
    assert torch.cosine_similarity(output.float(), compute_plainly(bert), dim=-1).min() > 0.99


def test_encoder_made_in_inference_mode_follows_changes() -> None:
    reference = build_reference("bert")
    with torch.inference_mode():
        encoder = convert(reference)
        before = encoder(PACKED).last
        encoder.layers[1].up.weight.add_(0.1)
        after = encoder(PACKED).last
    assert measure_difference(before, after) > 1e-2


@pytest.mark.parametrize("activation", ["none", "gelu", "gelu_tanh", "relu", "silu"])
@pytest.mark.parametrize("is_fast", [True, False])
def test_linear_equals_torch(
    activation: str, is_fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_fast:
        monkeypatch.setattr(linear, "has_onednn", lambda dtype: False)
    functions = {
        "none": lambda x: x,
        "gelu": F.gelu,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "relu": F.relu,
        "silu": F.silu,
    }
    torch.manual_seed(0)
    layers = (nn.Linear(8, 5), nn.Linear(8, 3))
    x = torch.randn(17, 16)[:, ::2]  # not contiguous
    cache = WeightCache()
    expected = functions[activation](torch.cat([layer(x) for layer in layers], dim=1))
    with torch.inference_mode():
        found = apply_linear(x, layers, cache, activation=activation)
    assert cache.get(layers, torch.float32).is_reordered == (is_fast and has_onednn(torch.float32))
    assert measure_difference(found, expected) <= 1e-6


def test_linear_without_bias() -> None:
    layer = nn.Linear(8, 5, bias=False)
    x = torch.randn(3, 8)
    with torch.inference_mode():
        assert measure_difference(apply_linear(x, (layer,), WeightCache()), layer(x)) <= 1e-6


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_norm_is_computed_in_fp32(dtype: torch.dtype) -> None:
    norm = nn.LayerNorm(16)
    x = (torch.randn(5, 16) + 50.0).to(dtype)
    found = apply_norm(x, norm, WeightCache())
    assert found.dtype == dtype
    assert torch.allclose(found.float(), norm(x.float()), atol=1e-2, rtol=1e-2)


def test_threads_make_an_entry_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    make_ready = linear._make_ready

    def count(*args: object) -> object:
        made.append(1)
        return make_ready(*args)

    monkeypatch.setattr(linear, "_make_ready", count)
    layers, cache, start = (nn.Linear(64, 64),), WeightCache(), threading.Barrier(4)

    def work(_: int) -> linear.ReadyWeights:
        start.wait()
        return cache.get(layers, torch.float32)

    with ThreadPoolExecutor(4) as pool:
        entries = list(pool.map(work, range(4)))
    assert len(made) == 1
    assert all(entry is entries[0] for entry in entries)
