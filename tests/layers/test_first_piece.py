"""`output = "first"`: the vector of the first piece of each token, inline and by a listener."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc

from spacy_bert_plugin.errors import ListenerError
from spacy_bert_plugin.layers import (
    BertListener,
    build_bert_encoder_v1,
    build_bert_listener_v1,
)

NLP = spacy.blank("en")
LONG = "the house in xyz is good and the weather tomorrow is bad " * 12
TEXTS = ["the xyz house in abc123", "", "rain tomorrow", " ", LONG]


def make_docs() -> list[Doc]:
    return list(NLP.pipe(TEXTS))


def make_model(path: Path, **settings: Any) -> Any:
    return build_bert_encoder_v1(str(path), overlap=8, **settings).initialize()


def test_it_is_the_vector_of_the_first_piece(tiny_checkpoint: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    reference = AutoModel.from_pretrained(tiny_checkpoint)
    inputs = AutoTokenizer.from_pretrained(tiny_checkpoint)(TEXTS[0], return_tensors="pt")
    with torch.inference_mode():
        hidden = reference(**inputs).last_hidden_state[0]
    words = inputs.word_ids()
    firsts = [words.index(word) for word in dict.fromkeys(w for w in words if w is not None)]
    assert len(firsts) == 5 < len(words) - 2
    (found,) = make_model(tiny_checkpoint, output="first").predict([NLP.make_doc(TEXTS[0])])
    np.testing.assert_allclose(found, hidden[firsts].numpy(), atol=1e-5)


def test_shapes_and_tokens_without_pieces(tiny_checkpoint: Path) -> None:
    docs = make_docs()
    vectors = make_model(tiny_checkpoint, output="first").predict(docs)
    assert [v.shape for v in vectors] == [(len(doc), 32) for doc in docs]
    assert not vectors[3].any()
    assert all(row.any() for row in vectors[4])


def test_tokens_of_one_piece_have_the_same_by_mean(tiny_checkpoint: Path) -> None:
    docs = make_docs()
    first = make_model(tiny_checkpoint, output="first").predict(docs)
    mean = make_model(tiny_checkpoint).predict(docs)
    np.testing.assert_allclose(first[2], mean[2], atol=1e-5)
    assert np.abs(first[0][1] - mean[0][1]).max() > 0.1


@pytest.mark.parametrize("batch_pieces", [16, 70, 10_000])
def test_budget_changes_no_vector(tiny_checkpoint: Path, batch_pieces: int) -> None:
    expected = make_model(tiny_checkpoint, output="first").predict(make_docs())
    model = make_model(tiny_checkpoint, output="first", batch_pieces=batch_pieces)
    trained, _ = model.begin_update(make_docs())
    for found in (model.predict(make_docs()), trained):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


def test_unknown_pooling_is_an_error() -> None:
    with pytest.raises(ListenerError, match="mean or first"):
        build_bert_listener_v1(pooling="last")


@pytest.fixture
def make_shared(tiny_checkpoint: Path) -> Callable[[str], spacy.Language]:
    def make(pooling: str) -> spacy.Language:
        listener = {"@architectures": "spacy-bert-plugin.BertListener.v1", "pooling": pooling}
        nlp = spacy.blank("en")
        model = {"name": str(tiny_checkpoint), "overlap": 8}
        nlp.add_pipe("bert_transformer", config={"model": model})
        nlp.add_pipe("bert_ner", config={"model": {"tok2vec": listener}})
        for name in ("mean", "first"):
            listener = {"@architectures": "spacy-bert-plugin.BertListener.v1", "pooling": name}
            nlp.add_pipe("tagger", name, config={"model": {"tok2vec": listener}})
        doc = Doc(nlp.vocab, words=["xyz", "house"], tags=["X", "N"], ents=["B-A", "O"])
        nlp.initialize(lambda: [spacy.training.Example(nlp.make_doc("xyz house"), doc)])
        return nlp

    return make


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_listeners_hand_on_what_the_encoder_has_computed(
    make_shared: Callable[[str], spacy.Language], tiny_checkpoint: Path, pooling: str
) -> None:
    nlp = make_shared(pooling)
    doc = nlp.get_pipe("bert_transformer")(nlp.make_doc(TEXTS[0]))
    output = {"mean": "tokens", "first": "first"}
    for name, wanted in (("bert_ner", pooling), ("mean", "mean"), ("first", "first")):
        (expected,) = make_model(tiny_checkpoint, output=output[wanted]).predict([doc])
        model = nlp.get_pipe(name).model
        (listener,) = [node for node in model.walk() if isinstance(node, BertListener)]
        np.testing.assert_allclose(listener.predict([doc])[0], expected, atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_a_replaced_listener_goes_on_with_its_pooling(
    make_shared: Callable[[str], spacy.Language], tmp_path: Path, pooling: str
) -> None:
    nlp = make_shared(pooling)
    doc = nlp.get_pipe("bert_transformer")(nlp.make_doc(TEXTS[0]))
    before = nlp.get_pipe("bert_ner").model.predict([doc]).output
    nlp.replace_listeners("bert_transformer", "bert_ner", ["model.tok2vec"])
    after = nlp.get_pipe("bert_ner").model.predict([nlp.make_doc(TEXTS[0])]).output
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)
    nlp.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model").get_pipe("bert_ner").model
    output = loaded.predict([nlp.make_doc(TEXTS[0])]).output
    torch.testing.assert_close(output, before, rtol=1e-4, atol=1e-4)
