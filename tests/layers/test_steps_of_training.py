"""Steps of training: one norm, layers that open one by one, memory traded for time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.training import Example
from thinc.api import Adam

from spacy_bert_plugin.batching import supports_bf16
from spacy_bert_plugin.errors import TrainingError
from spacy_bert_plugin.layers import (
    build_bert_encoder_v1,
    find_shims,
    finish_model,
    get_shim,
    step_together,
)
from spacy_bert_plugin.training import build_adamw_v1

TEXTS = {"play some music": "O O O", "book a table in paris": "O O O O U-CITY"}
Weights = dict[str, torch.Tensor]


@pytest.fixture
def make_pipeline(tiny_checkpoint: Path) -> Callable[..., Language]:
    """Make an initialised bert_ner over a shared encoder or one of its own."""

    def make(*, is_shared: bool = True, **settings: Any) -> Language:
        spacy.util.fix_random_seed(0)
        nlp = spacy.blank("en")
        model = {"name": str(tiny_checkpoint), "overlap": 8, **settings}
        if is_shared:
            nlp.add_pipe("bert_transformer", config={"model": model})
            nlp.add_pipe("bert_ner")
        else:
            tok2vec = {"@architectures": "spacy-bert-plugin.BertEncoder.v1", **model}
            nlp.add_pipe("bert_ner", config={"model": {"tok2vec": tok2vec}})
        nlp.initialize(lambda: make_examples(nlp))
        return nlp

    return make


def make_examples(nlp: Language) -> list[Example]:
    return [
        Example.from_dict(nlp.make_doc(text), {"entities": tags.split()})
        for text, tags in TEXTS.items()
    ]


def find_encoder(nlp: Language) -> Any:
    if nlp.has_pipe("bert_transformer"):
        return get_shim(nlp.get_pipe("bert_transformer").model).encoder
    return get_shim(nlp.get_pipe("bert_ner").model.get_ref("tok2vec")).encoder


def list_params(nlp: Language) -> dict[str, torch.nn.Parameter]:
    """Parameters of the encoder and of the head."""
    head = nlp.get_pipe("bert_ner").model.shims[0].module
    params = {f"head.{name}": param for name, param in head.named_parameters()}
    return {**dict(find_encoder(nlp).named_parameters()), **params}


def copy_weights(nlp: Language) -> Weights:
    return {name: param.detach().clone() for name, param in list_params(nlp).items()}


def find_moved(nlp: Language, before: Weights) -> set[str]:
    """Parts of the model that have changed: "embeddings", "layer 0", "head" and so on."""
    moved = set()
    for name, param in list_params(nlp).items():
        if not torch.equal(param, before[name]):
            part = name.split(".")
            moved.add(f"layer {part[1]}" if part[0] == "layers" else part[0])
    return moved


def list_moves(nlp: Language, n_steps: int) -> list[set[str]]:
    """What has changed at each step."""
    sgd, moves = build_adamw_v1(1e-3), []
    for _ in range(n_steps):
        before = copy_weights(nlp)
        nlp.update(make_examples(nlp), sgd=sgd)
        moves.append(find_moved(nlp, before))
    return moves


@pytest.mark.parametrize("is_shared", [True, False])
def test_layers_open_one_by_one(make_pipeline: Callable[..., Language], is_shared: bool) -> None:
    moves = list_moves(make_pipeline(is_shared=is_shared, unfreeze_every=2), 6)
    assert moves[:4] == [{"head"}] * 2 + [{"head", "layer 1"}] * 2
    assert moves[4:] == [{"head", "layer 1", "layer 0", "embeddings"}] * 2


@pytest.mark.parametrize("is_shared", [True, False])
def test_frozen_layers_never_open(make_pipeline: Callable[..., Language], is_shared: bool) -> None:
    nlp = make_pipeline(is_shared=is_shared, unfreeze_every=1, freeze_layers=1)
    assert list_moves(nlp, 4) == [{"head"}] + [{"head", "layer 1"}] * 3
    nlp = make_pipeline(is_shared=is_shared, unfreeze_every=1, freeze_layers=-1)
    assert list_moves(nlp, 3) == [{"head"}] * 3


def test_without_the_setting_all_learn_from_the_beginning(
    make_pipeline: Callable[..., Language],
) -> None:
    everything = {"head", "layer 1", "layer 0", "embeddings"}
    assert list_moves(make_pipeline(), 2) == [everything] * 2
    assert list_moves(make_pipeline(freeze_layers=1), 2) == [{"head", "layer 1"}] * 2


def test_accumulated_batches_are_one_step(make_pipeline: Callable[..., Language]) -> None:
    nlp = make_pipeline(unfreeze_every=1)
    shim = get_shim(nlp.get_pipe("bert_transformer").model)
    sgd = build_adamw_v1(1e-3)
    for expected in (1, 2):
        for _ in range(3):
            nlp.update(make_examples(nlp), sgd=False)
        for _, pipe in nlp.pipeline:
            pipe.finish_update(sgd)
        assert shim.n_steps == expected


def collect_gradients(model: Any, docs: list[Any], *, dropout: float) -> tuple[Any, Weights]:
    model.attrs["dropout_rate"] = dropout
    torch.manual_seed(5)
    vectors, backprop = model.begin_update(docs)
    torch.manual_seed(99)  # what is computed again must not depend on what was drawn since
    random = np.random.default_rng(0)
    backprop([random.normal(size=v.shape).astype("float32") for v in vectors])
    named = get_shim(model).encoder.named_parameters()
    return vectors, {name: p.grad for name, p in named if p.grad is not None}


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_checkpointing_changes_nothing(
    tiny_checkpoint: Path, dropout: float, precision: str
) -> None:
    if precision == "bf16" and not supports_bf16(torch.device("cpu")):
        pytest.skip("no bfloat16 in hardware")
    docs = list(spacy.blank("en").pipe([*TEXTS, "", "the house in paris " * 20]))
    found = []
    for use_checkpointing in (False, True):
        model = build_bert_encoder_v1(
            str(tiny_checkpoint),
            overlap=8,
            batch_pieces=8192,
            precision=precision,
            use_checkpointing=use_checkpointing,
        ).initialize()
        found.append(collect_gradients(model, docs, dropout=dropout))
    (vectors, gradients), (other_vectors, other_gradients) = found
    for one, other in zip(vectors, other_vectors, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(gradients) > 20
    assert set(gradients) == set(other_gradients)
    for name, gradient in gradients.items():
        torch.testing.assert_close(other_gradients[name], gradient)


def test_checkpointing_keeps_to_the_budget(tiny_checkpoint: Path, monkeypatch: Any) -> None:
    sizes: dict[bool, list[int]] = {False: [], True: []}
    docs = list(spacy.blank("en").pipe(["the house in paris " * 20] * 3))
    for use_checkpointing, seen in sizes.items():
        model = build_bert_encoder_v1(
            str(tiny_checkpoint), batch_pieces=70, use_checkpointing=use_checkpointing, overlap=8
        ).initialize()
        encoder = get_shim(model).encoder
        encoder.register_forward_hook(  # type: ignore[attr-defined]
            lambda module, args, output, seen=seen: seen.append(len(args[0].ids))
        )
        model.begin_update(docs)
    assert max(sizes[True]) <= 70 < max(sizes[False])


def test_one_norm_over_encoder_and_head(
    make_pipeline: Callable[..., Language], monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = make_pipeline()
    nlp.update(make_examples(nlp), sgd=False)
    params = {name: p for name, p in list_params(nlp).items() if p.grad is not None}
    assert any(name.startswith("head.") for name in params)
    gradients = {name: torch.as_tensor(p.grad).clone() for name, p in params.items()}
    norm = torch.cat([g.flatten() for g in gradients.values()]).norm()
    stepped: Weights = {}

    def step(self: Any, closure: Any = None) -> None:
        stepped.update({name: torch.as_tensor(p.grad).clone() for name, p in params.items()})

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    sgd = build_adamw_v1(1e-3, grad_clip=float(norm) / 4)
    nlp.get_pipe("bert_transformer").finish_update(sgd)
    for name, gradient in gradients.items():
        torch.testing.assert_close(stepped[name], gradient / 4, rtol=1e-3, atol=1e-7)
    assert all(p.grad is None for p in params.values())


def test_heads_learn_faster_by_the_factor(make_pipeline: Callable[..., Language]) -> None:
    nlp = make_pipeline()
    before = copy_weights(nlp)
    sgd = build_adamw_v1(1e-4, head_factor=30.0, weight_decay=0.0, eps=1e-12)
    nlp.update(make_examples(nlp), sgd=sgd)
    moved = {n: float((p.detach() - before[n]).abs().max()) for n, p in list_params(nlp).items()}
    # The first step of Adam is the learning rate, whatever the gradient.
    assert moved["head.output.weight"] == pytest.approx(3e-3, rel=0.01)
    assert moved["layers.1.up.weight"] == pytest.approx(1e-4, rel=0.01)


@pytest.mark.parametrize("is_shared", [True, False])
def test_thinc_adam_steps_encoder_and_head(
    make_pipeline: Callable[..., Language], is_shared: bool
) -> None:
    nlp = make_pipeline(is_shared=is_shared)
    before = copy_weights(nlp)
    nlp.update(make_examples(nlp), sgd=Adam(1e-3, grad_clip=0.0, L2=0.0, eps=1e-12))
    for name in ("head.output.weight", "layers.1.up.weight"):
        moved = (list_params(nlp)[name].detach() - before[name]).abs()
        assert float(moved.max()) == pytest.approx(1e-3, rel=0.01)


@pytest.mark.parametrize("make_sgd", [lambda: build_adamw_v1(1e-3), lambda: Adam(1e-3)])
def test_gradients_that_are_no_numbers_change_nothing(
    make_pipeline: Callable[..., Language], make_sgd: Callable[[], Any]
) -> None:
    nlp = make_pipeline(is_shared=False)
    nlp.update(make_examples(nlp), sgd=False)
    before = copy_weights(nlp)
    torch.as_tensor(find_encoder(nlp).layers[0].up.weight.grad)[0, 0] = float("nan")
    with pytest.raises(TrainingError, match="not a finite number"):
        finish_model(nlp.get_pipe("bert_ner").model, make_sgd())
    assert find_moved(nlp, before) == set()


def test_half_weights_are_new_after_a_fused_step(make_pipeline: Callable[..., Language]) -> None:
    nlp = make_pipeline()
    encoder = find_encoder(nlp)
    layer = encoder.layers[0]
    ready = layer._up_cache.get((layer.up,), torch.bfloat16, is_plain=True)
    nlp.update(make_examples(nlp), sgd=build_adamw_v1(1e-3, grad_clip=0.0))
    fresh = layer._up_cache.get((layer.up,), torch.bfloat16, is_plain=True)
    assert torch.equal(fresh.weight, layer.up.weight.detach().bfloat16())
    assert not torch.equal(fresh.weight, ready.weight)


def test_steps_without_anything_to_step_are_harmless() -> None:
    model = build_bert_encoder_v1("nowhere")
    finish_model(model, build_adamw_v1())
    step_together([], build_adamw_v1())
    assert len(find_shims(model)) == 1
