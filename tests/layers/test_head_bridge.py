"""The bridge from thinc to a head: bytes, copies, growth, and what comes back as gradient."""

import copy
from functools import partial
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
import torch
from safetensors.torch import save
from spacy.tokens import Doc
from thinc.api import Model

from spacy_bert_plugin.errors import CheckpointError, ListenerError
from spacy_bert_plugin.heads import TokenClassifier
from spacy_bert_plugin.layers.head import (
    HeadModel,
    HeadShim,
    build_head,
    get_head,
    get_head_shim,
    grow_head,
    initialize_head,
    run_head,
)

NLP = spacy.blank("en")
BUILD = partial(TokenClassifier, hidden_width=5, use_crf=True)
SIZES = {"width": 4, "n_labels": 2}


def make_shim() -> HeadShim:
    torch.manual_seed(0)
    shim = HeadShim(BUILD)
    with torch.no_grad():
        for param in shim.set_sizes(**SIZES).parameters():
            param.normal_()
    return shim


def are_same(one: HeadShim, other: HeadShim) -> bool:
    left, right = dict(one.named_parameters()), dict(other.named_parameters())
    return list(left) == list(right) and all(torch.equal(left[n], right[n]) for n in left)


def make_tok2vec() -> Model[Any, Any]:
    """Each token's vector is its length, its place, and what cannot be learned from."""
    seen: list[Any] = []

    def forward(model: Model[Any, Any], docs: list[Doc], is_train: bool) -> Any:
        vectors = [
            np.array([[len(t), t.i, 1, 0] for t in doc], dtype="float32").reshape(-1, 4)
            for doc in docs
        ]
        return vectors, lambda gradients: seen.append(gradients) or []

    return Model("lengths", forward, dims={"nO": 4}, attrs={"seen": seen})


def make_model(**settings: Any) -> HeadModel:
    def forward(model: HeadModel, docs: list[Doc], is_train: bool) -> Any:
        return run_head(model, docs, is_train)

    return build_head("head", make_tok2vec(), partial(TokenClassifier, **settings), forward)


def test_bytes_and_copies_hold_the_same() -> None:
    shim = make_shim()
    for other in (
        HeadShim(BUILD).from_bytes(shim.to_bytes()),
        make_shim().from_bytes(shim.to_bytes()),
        shim.copy(),
        copy.deepcopy(shim),
        copy.copy(shim),
    ):
        assert are_same(shim, other)
        assert other.sizes == SIZES
        assert other.id != shim.id
        with torch.no_grad():
            next(other.module.parameters()).add_(1.0)  # type: ignore[union-attr]
        assert not are_same(shim, other)


def test_a_shim_without_sizes_is_empty() -> None:
    shim = HeadShim(BUILD)
    assert shim.to_bytes() == b""
    assert shim.module is None
    assert list(shim.named_parameters()) == shim.list_groups() == []
    assert copy.deepcopy(shim).module is None
    full = make_shim()
    before = full.module
    assert full.from_bytes(b"").module is before


def make_bad_bytes() -> dict[str, bytes]:
    good = make_shim().to_bytes()
    other = HeadShim(partial(TokenClassifier))
    other.set_sizes(**SIZES)
    stored = srsly.msgpack_loads(good)
    return {
        "cut": good[:-10],
        "noise": b"\x00\xff" * 20,
        "of another head": other.to_bytes(),
        "no weights": srsly.msgpack_dumps({"sizes": SIZES}),
        "not a dict": srsly.msgpack_dumps([1, 2]),
        "other sizes": srsly.msgpack_dumps({**stored, "sizes": {"width": 9, "n_labels": 2}}),
        "unknown sizes": srsly.msgpack_dumps({**stored, "sizes": {"depth": 9}}),
        "one tensor": srsly.msgpack_dumps({**stored, "weights": save({"x": torch.zeros(2)})}),
    }


@pytest.mark.parametrize("name", list(make_bad_bytes()))
def test_bad_bytes_are_refused_and_change_nothing(name: str) -> None:
    shim, expected = make_shim(), make_shim()
    with pytest.raises(CheckpointError, match="do not fit this head"):
        shim.from_bytes(make_bad_bytes()[name])
    assert are_same(shim, expected)
    assert shim.sizes == SIZES


def test_growing_keeps_what_was_learned_under_a_new_id() -> None:
    model = make_model(use_crf=True)
    initialize_head(model, [], n_labels=1)
    shim = get_head_shim(model)
    docs = [NLP.make_doc("a house in paris"), NLP.make_doc("")]
    before, old_id = model.predict(docs).output, shim.id
    grow_head(model, n_labels=3)
    assert get_head_shim(model) is shim
    assert shim.id != old_id
    assert shim.sizes == {"width": 4, "n_labels": 3}
    after = model.predict(docs).output
    assert after.shape == (4, 13)
    torch.testing.assert_close(after[:, :5], before, rtol=1e-5, atol=1e-5)


def test_growing_before_initialize_does_nothing() -> None:
    model = make_model()
    grow_head(model, n_labels=3)
    with pytest.raises(ListenerError, match="no weights yet"):
        get_head(model)
    with pytest.raises(ListenerError, match="no weights yet"):
        model.predict([NLP.make_doc("a")])


def test_a_tok2vec_of_unknown_width_is_an_error() -> None:
    model = build_head("head", Model("blind", lambda *_: None), BUILD, lambda *_: None)
    with pytest.raises(ListenerError, match="'blind' does not say"):
        initialize_head(model, [], n_labels=1)


@pytest.mark.parametrize("texts", [["a house", "", "in paris now"], ["", ""], []])
def test_gradients_go_back_one_a_doc(texts: list[str]) -> None:
    model = make_model()
    initialize_head(model, [], n_labels=1)
    docs = [NLP.make_doc(text) for text in texts]
    result: Any = model.begin_update(docs)
    output, backprop = result
    assert output.lengths == [len(doc) for doc in docs]
    backprop(output.output[:, 0].sum())
    (gradients,) = model.get_ref("tok2vec").attrs["seen"]
    weights = get_head(model).output.weight[0].detach().numpy()  # type: ignore[union-attr,index]
    assert [g.shape for g in gradients] == [(len(doc), 4) for doc in docs]
    for gradient in gradients:
        np.testing.assert_allclose(gradient, np.broadcast_to(weights, gradient.shape), atol=1e-6)


def test_a_loss_without_graph_sends_zeros() -> None:
    model = make_model()
    initialize_head(model, [], n_labels=1)
    result: Any = model.begin_update([NLP.make_doc("in paris")])
    result[1](torch.zeros(()))
    (gradients,) = model.get_ref("tok2vec").attrs["seen"]
    assert [g.tolist() for g in gradients] == [[[0.0] * 4] * 2]
    assert get_head_shim(model).list_groups() == []


def test_prediction_keeps_no_graph() -> None:
    model = make_model()
    initialize_head(model, [], n_labels=1)
    assert model.predict([NLP.make_doc("in paris")]).output.is_inference()


def test_a_model_is_saved_with_its_head() -> None:
    model, other = make_model(), make_model()
    initialize_head(model, [], n_labels=2)
    docs = [NLP.make_doc("in paris")]
    other.from_bytes(model.to_bytes())
    assert torch.equal(other.predict(docs).output, model.predict(docs).output)
    assert torch.equal(model.copy().predict(docs).output, model.predict(docs).output)
