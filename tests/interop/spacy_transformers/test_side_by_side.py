"""Our encoder under components that were made for another library's encoder."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.training import Example

from spacy_bert_plugin.errors import ListenerError
from tests.interop.spacy_transformers.conftest import (
    CURATED,
    OURS,
    TEXTS,
    THEIRS,
    learn,
    list_answers,
    make_examples,
    need,
)

pytestmark = pytest.mark.compat
MakeNlp = Callable[..., Language]
FOREIGN = [pytest.param(THEIRS, id="spacy-transformers"), pytest.param(CURATED, id="curated")]


@pytest.mark.parametrize("listener", FOREIGN)
def test_learns_as_with_our_listener(make_ours: MakeNlp, listener: dict[str, Any]) -> None:
    need(listener)
    ours, theirs = make_ours(OURS), make_ours(listener)
    expected, got = learn(ours), learn(theirs)
    for one, other in zip(expected, got, strict=True):
        assert other == pytest.approx(one, rel=1e-3)
    assert got[-1]["textcat"] < got[0]["textcat"]
    assert got[0]["transformer"] > 0
    for (ents, cats), (their_ents, their_cats) in zip(
        list_answers(ours, TEXTS), list_answers(theirs, TEXTS), strict=True
    ):
        assert their_ents == ents
        assert their_cats == pytest.approx(cats, abs=1e-4)


@pytest.mark.parametrize("listener", FOREIGN)
def test_saves_and_loads(make_ours: MakeNlp, listener: dict[str, Any], tmp_path: Path) -> None:
    nlp = make_ours(listener)
    learn(nlp, 3)
    nlp.to_disk(tmp_path / "model")
    assert list_answers(spacy.load(tmp_path / "model"), TEXTS) == list_answers(nlp, TEXTS)


@pytest.mark.parametrize("listener", FOREIGN)
def test_without_the_encoder_is_an_error_and_not_zeros(
    make_ours: MakeNlp, listener: dict[str, Any]
) -> None:
    nlp = make_ours(listener)
    learn(nlp, 1)
    with nlp.select_pipes(disable="transformer"), pytest.raises(ListenerError, match="has not run"):
        nlp("book a table")


@pytest.mark.parametrize("listener", FOREIGN)
def test_empty_docs_in_a_training_batch(make_ours: MakeNlp, listener: dict[str, Any]) -> None:
    nlp = make_ours(listener)
    learn(nlp, 1)
    empty = Example.from_dict(nlp.make_doc(""), {"cats": {"PLAY": 1.0, "BOOK": 0.0}})
    examples = make_examples(nlp)
    losses = nlp.update([empty, *examples, empty], sgd=nlp.create_optimizer())
    assert losses["transformer"] > 0


@pytest.mark.parametrize("listener", FOREIGN)
def test_factor_on_gradients(make_ours: MakeNlp, listener: dict[str, Any]) -> None:
    still = make_ours({**listener, "grad_factor": 0.0})
    losses = learn(still, 2)
    assert losses[0]["transformer"] == 0.0


def test_factor_on_gradients_of_our_listener(make_ours: MakeNlp) -> None:
    full, half = make_ours(OURS), make_ours({**OURS, "grad_factor": 0.5})
    first, second = learn(full, 1)[0], learn(half, 1)[0]
    assert second["transformer"] == pytest.approx(first["transformer"] / 4, rel=1e-4)
    assert second["ner"] == pytest.approx(first["ner"])


@pytest.mark.parametrize("value", [-1.0, -1e9])
def test_factor_that_cannot_work(make_ours: MakeNlp, value: float) -> None:
    with pytest.raises(ListenerError, match="grad_factor"):
        make_ours({**OURS, "grad_factor": value})


@pytest.mark.parametrize("listener", FOREIGN)
def test_reads_the_first_piece(make_ours: MakeNlp, listener: dict[str, Any]) -> None:
    first = {"@layers": "reduce_first.v1"}
    theirs = make_ours({**listener, "pooling": first})
    ours = make_ours({**OURS, "pooling": "first"})
    assert learn(theirs, 3)[-1] == pytest.approx(learn(ours, 3)[-1], rel=1e-3)


@pytest.mark.parametrize("listener", FOREIGN)
def test_other_poolings_are_refused(make_ours: MakeNlp, listener: dict[str, Any]) -> None:
    with pytest.raises(ListenerError, match="reduce_max"):
        make_ours({**listener, "pooling": {"@layers": "reduce_max.v1"}})


def test_listeners_to_all_layers_are_refused(make_ours: MakeNlp) -> None:
    need(CURATED)
    weighting = {"@architectures": "spacy-curated-transformers.ScalarWeight.v1",
                 "num_layers": 3}  # fmt: skip
    listener = {**CURATED, "weighting": weighting}
    listener["@architectures"] = "spacy-curated-transformers.ScalarWeightingListener.v1"
    with pytest.raises(ListenerError, match="every layer"):
        make_ours(listener)


@pytest.mark.parametrize("listener", FOREIGN)
def test_listeners_to_somebody_else_are_left_alone(
    make_ours: MakeNlp, listener: dict[str, Any]
) -> None:
    nlp = make_ours({**listener, "upstream": "other"})
    assert nlp.get_pipe("transformer").listener_map == {}


@pytest.mark.parametrize("listener", FOREIGN)
def test_replacing_their_listener_is_refused(make_ours: MakeNlp, listener: dict[str, Any]) -> None:
    nlp = make_ours(listener)
    learn(nlp, 1)
    before = list_answers(nlp, TEXTS)
    with pytest.raises(ListenerError, match="another library"):
        nlp.replace_listeners("transformer", "ner", ["model.tok2vec"])
    assert list_answers(nlp, TEXTS) == before
    assert nlp.get_pipe_config("ner")["model"]["tok2vec"]["@architectures"].startswith("spacy-")


def test_a_component_that_was_sourced_answers_in_both(
    make_ours: MakeNlp, make_theirs: MakeNlp
) -> None:
    theirs = make_theirs()
    learn(theirs, 3)
    expected = list_answers(theirs, TEXTS)
    nlp = spacy.blank("en", vocab=theirs.vocab)
    config = copy.deepcopy(make_ours(OURS).get_pipe_config("transformer"))
    nlp.add_pipe("bert_transformer", config={"model": config["model"]})
    nlp.get_pipe("bert_transformer").initialize()
    nlp.add_pipe("textcat", source=theirs)
    nlp.add_pipe("ner", source=theirs)
    for doc in nlp.pipe(TEXTS):
        assert set(doc.cats) == {"PLAY", "BOOK"}
    assert list_answers(theirs, TEXTS) == expected
    sgd = theirs.create_optimizer()
    assert theirs.update(make_examples(theirs), sgd=sgd)["transformer"] > 0
    nlp.remove_pipe("bert_transformer")
    assert [doc.cats for doc in theirs.pipe(TEXTS)]


@pytest.mark.parametrize("listener", FOREIGN)
def test_vectors_are_let_go_of(make_ours: MakeNlp, listener: dict[str, Any]) -> None:
    nlp = make_ours(listener)
    learn(nlp, 1)
    doc = nlp("book a table in london")
    pipe = nlp.get_pipe("transformer")
    assert pipe.store.find(doc).outputs == {}
    assert np.isfinite(doc.vector).all()
