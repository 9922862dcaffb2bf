"""Loss scaling: gradients keep their size, and what overflows is left out."""

import pytest
import torch
from torch import nn

from spacy_bert_plugin.batching import LossScaler, scaling


def make_params(*gradients: list[float]) -> list[nn.Parameter]:
    params = []
    for gradient in gradients:
        param = nn.Parameter(torch.zeros(len(gradient)))
        param.grad = torch.tensor(gradient)
        params.append(param)
    return params


def step(scaler: LossScaler, *gradients: list[float]) -> tuple[bool, list[list[float]]]:
    """Send gradients through, as a backward pass without any weights would."""
    params = make_params(*gradients)
    for param in params:
        param.grad = scaler.apply(torch.as_tensor(param.grad), torch.float16)
    return scaler.unscale(params), [torch.as_tensor(p.grad).tolist() for p in params]


def test_gradients_come_back_as_they_were() -> None:
    scaler = LossScaler()
    gradient = scaler.apply(torch.tensor([1e-6, -2.0]), torch.float16)
    assert gradient.tolist() == pytest.approx([1e-6 * scaling.START, -2.0 * scaling.START])
    is_good, grads = step(scaler, [0.5, -3.0], [2.0])
    assert is_good
    assert grads == [[0.5, -3.0], [2.0]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_types_are_left_alone(dtype: torch.dtype) -> None:
    scaler = LossScaler()
    gradient = torch.tensor([1.0, float("inf")])
    assert scaler.apply(gradient, dtype) is gradient
    params = make_params([1.0, float("inf")])
    assert scaler.unscale(params)
    assert torch.equal(torch.as_tensor(params[0].grad), gradient)
    assert scaler.scale == scaling.START


@pytest.mark.parametrize("bad", [float("inf"), float("nan")])
def test_overflow_halves_the_scale_and_leaves_the_step_out(bad: float) -> None:
    scaler = LossScaler()
    is_good, _ = step(scaler, [1.0], [bad, 0.0])
    assert not is_good
    assert scaler.scale == scaling.START / 2
    is_good, grads = step(scaler, [1.0])
    assert is_good
    assert grads == [[1.0]]


def test_the_scale_never_falls_below_one() -> None:
    scaler = LossScaler()
    for _ in range(40):
        step(scaler, [float("inf")])
    assert scaler.scale == 1.0


def test_the_scale_grows_after_many_good_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "GROW_EVERY", 3)
    scaler = LossScaler()
    scales = []
    for gradient in (1.0, 1.0, float("inf"), 1.0, 1.0, 1.0, 1.0):
        step(scaler, [gradient])
        scales.append(scaler.scale / scaling.START)
    # The overflow begins the count anew.
    assert scales == [1.0, 1.0, 0.5, 0.5, 0.5, 1.0, 1.0]


def test_a_step_without_gradients_counts_for_nothing() -> None:
    scaler = LossScaler()
    assert scaler.unscale([])
    scaler.apply(torch.ones(1), torch.float16)
    assert scaler.unscale([])
    assert scaler.n_good == 0
    param = nn.Parameter(torch.zeros(2))
    assert scaler.unscale([param])
