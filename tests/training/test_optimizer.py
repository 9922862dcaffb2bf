"""AdamW: fused and thinc steps, rates, decay, clipping, guards."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from spacy.language import Language
from thinc.api import Adam

from spacy_bert_plugin.errors import SettingError, TrainingError
from spacy_bert_plugin.layers import build_bert_encoder_v1, get_shim
from spacy_bert_plugin.training import build_adamw_v1
from spacy_bert_plugin.typedefs import ParamGroup


def make_groups(*values: float) -> list[Any]:
    """One group of one 2-d weight and one bias for each value, gradients all of that value."""
    groups = []
    for value in values:
        params = [torch.nn.Parameter(torch.ones(3, 2)), torch.nn.Parameter(torch.ones(3))]
        for param in params:
            param.grad = torch.full_like(param, value)
        groups.append(ParamGroup([("weight", params[0]), ("bias", params[1])]))
    return groups


def test_step_is_that_of_torch() -> None:
    groups = make_groups(0.3)
    (weight, bias) = (param for _, param in groups[0].params)
    expected = [torch.nn.Parameter(p.detach().clone()) for p in (weight, bias)]
    reference = torch.optim.AdamW(
        [
            {"params": [expected[0]], "weight_decay": 0.1},
            {"params": [expected[1]], "weight_decay": 0.0},
        ],
        lr=0.001,
    )
    optimizer = build_adamw_v1(0.001, weight_decay=0.1, grad_clip=0.0)
    for _ in range(3):
        for param in expected:
            param.grad = torch.full_like(param, 0.3)
        reference.step()
        optimizer.step_torch(groups)
    torch.testing.assert_close(weight, expected[0])
    torch.testing.assert_close(bias, expected[1])


def test_gradients_are_clipped_by_one_global_norm() -> None:
    groups = make_groups(3.0, 4.0)
    build_adamw_v1(0.0, grad_clip=1.0).step_torch(groups)
    grads = [p.grad for group in groups for _, p in group.params]
    assert torch.stack([g.norm() for g in grads]).norm() == pytest.approx(1.0, abs=1e-4)
    assert float(grads[2].flatten()[0] / grads[0].flatten()[0]) == pytest.approx(4 / 3, abs=1e-4)


def test_scale_of_a_group_scales_its_step() -> None:
    groups = make_groups(1.0, 1.0)
    groups[0] = ParamGroup(groups[0].params, 0.5)
    build_adamw_v1(0.001, weight_decay=0.0, grad_clip=0.0).step_torch(groups)
    steps = [1.0 - float(group.params[0][1].detach()[0, 0]) for group in groups]
    assert steps[0] == pytest.approx(0.5 * steps[1], rel=1e-3)


def test_parameters_that_thaw_later_are_added() -> None:
    groups = make_groups(1.0, 1.0)
    optimizer = build_adamw_v1(0.001)
    optimizer.step_torch(groups[:1])
    optimizer.step_torch(groups)
    assert float(groups[1].params[0][1].detach()[0, 0]) < 1.0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_gradient_that_is_not_finite_changes_nothing(value: float) -> None:
    groups = make_groups(1.0, value)
    optimizer = build_adamw_v1(0.001)
    optimizer.step_schedules()
    with pytest.raises(TrainingError, match="update 1"):
        optimizer.step_torch(groups)
    assert all(
        torch.equal(p.detach(), torch.ones_like(p)) for group in groups for _, p in group.params
    )
    weights = np.ones((2, 2), dtype="float32")
    with pytest.raises(TrainingError, match="not a finite number"):
        optimizer((1, "W"), weights, np.full((2, 2), value, dtype="float32"))
    assert (weights == 1).all()


def test_heads_learn_at_a_multiple_of_the_rate() -> None:
    weights = [np.ones((2, 2), dtype="float32") for _ in range(2)]
    gradient = np.ones((2, 2), dtype="float32")
    build_adamw_v1(0.001, head_factor=5.0, weight_decay=0.0)((1, "W"), weights[0], gradient.copy())
    Adam(0.005, L2=0.0, beta2=0.999, grad_clip=1.0)((1, "W"), weights[1], gradient.copy())
    np.testing.assert_allclose(weights[0], weights[1], rtol=1e-5)


@pytest.mark.parametrize(
    "settings", [{"head_factor": 0.0}, {"eps": 0.0}, {"weight_decay": -1.0}, {"grad_clip": -1.0}]
)
def test_impossible_settings_are_errors(settings: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=next(iter(settings))):
        build_adamw_v1(**settings)


def run_steps(model: Any, optimizer: Any, n_steps: int = 3) -> None:
    import spacy

    docs = list(spacy.blank("en").pipe(["the house in paris", "rain tomorrow"]))
    random = np.random.default_rng(0)
    for _ in range(n_steps):
        vectors, backprop = model.begin_update(docs)
        # Layer norm takes the gradient of a constant away, so it must not be one.
        backprop([random.normal(size=v.shape).astype("float32") for v in vectors])
        model.finish_update(optimizer)


def make_model(tiny_checkpoint: Path, **settings: Any) -> Any:
    return build_bert_encoder_v1(str(tiny_checkpoint), overlap=8, **settings).initialize()


def get_weights(model: Any) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in get_shim(model).encoder.named_parameters()}


@pytest.mark.parametrize("make", [build_adamw_v1, lambda rate: Adam(rate, L2_is_weight_decay=True)])
def test_either_kind_of_optimizer_moves_the_encoder(
    tiny_checkpoint: Path, make: Callable[..., Any]
) -> None:
    model = make_model(tiny_checkpoint)
    before = get_weights(model)
    run_steps(model, make(1e-3))
    after = get_weights(model)
    assert all(not torch.equal(before[n], after[n]) for n in before if "layers.1.output" in n)


@pytest.mark.parametrize(("n_frozen", "moved"), [(0, {0, 1}), (1, {1}), (2, set()), (-1, set())])
def test_lowest_layers_are_frozen(tiny_checkpoint: Path, n_frozen: int, moved: set[int]) -> None:
    model = make_model(tiny_checkpoint, freeze_layers=n_frozen)
    before = get_weights(model)
    run_steps(model, build_adamw_v1(1e-3))
    after = get_weights(model)
    changed = {n for n in before if not torch.equal(before[n], after[n])}
    assert {int(n.split(".")[1]) for n in changed if n.startswith("layers.")} == moved
    assert any(n.startswith("embeddings") for n in changed) == (n_frozen == 0)


def test_lower_layers_learn_more_slowly_with_layer_decay(tiny_checkpoint: Path) -> None:
    model = make_model(tiny_checkpoint, layer_decay=0.1)
    before = get_weights(model)
    run_steps(model, build_adamw_v1(1e-3, weight_decay=0.0), n_steps=1)
    after = get_weights(model)
    steps = [
        max(
            float((after[n] - before[n]).abs().max())
            for n in before
            if n.startswith(f"layers.{i}.") and n.endswith("weight")
        )
        for i in (0, 1)
    ]
    assert steps[0] == pytest.approx(0.1 * steps[1], rel=0.05)


def test_averages_are_swapped_in_and_out(tiny_checkpoint: Path) -> None:
    model = make_model(tiny_checkpoint)
    optimizer = Adam(1e-2, use_averages=True)
    run_steps(model, optimizer)
    before = get_weights(model)
    with model.use_params(optimizer.averages):
        assert any(not torch.equal(before[n], p) for n, p in get_weights(model).items())
    assert all(torch.equal(before[n], p) for n, p in get_weights(model).items())
    with pytest.raises(RuntimeError, match="inside"), model.use_params(optimizer.averages):
        raise RuntimeError("inside")
    assert all(torch.equal(before[n], p) for n, p in get_weights(model).items())


def test_predictions_follow_every_step(tiny_checkpoint: Path) -> None:
    """Weights that prediction has cached in another layout must not outlive a step."""
    import spacy

    model = make_model(tiny_checkpoint)
    docs = list(spacy.blank("en").pipe(["the house in paris " * 4]))
    for make in (build_adamw_v1, Adam):
        before = model.predict(docs)[0].copy()
        run_steps(model, make(1e-3), n_steps=1)
        after = model.predict(docs)[0]
        fresh = make_model(tiny_checkpoint)
        get_shim(fresh).encoder.load_state_dict(get_shim(model).encoder.state_dict())  # type: ignore[attr-defined]
        assert not np.allclose(before, after)
        np.testing.assert_allclose(after, fresh.predict(docs)[0], atol=1e-6)


def test_same_seed_same_weights(tiny_checkpoint: Path) -> None:
    import spacy

    from tests.pipeline.conftest import make_examples, make_ner_model

    def train_once() -> dict[str, torch.Tensor]:
        spacy.util.fix_random_seed(1)
        nlp: Language = spacy.blank("en")
        model = {"name": str(tiny_checkpoint), "overlap": 8}
        nlp.add_pipe("bert_transformer", config={"model": model})
        nlp.add_pipe("ner", config={"model": make_ner_model()})
        nlp.initialize(lambda: make_examples(nlp))
        optimizer = build_adamw_v1(1e-3)
        for _ in range(4):
            nlp.update(make_examples(nlp), sgd=optimizer, drop=0.2)
        return get_weights(nlp.get_pipe("bert_transformer").model)

    one, other = train_once(), train_once()
    assert all(torch.equal(one[name], other[name]) for name in one)
