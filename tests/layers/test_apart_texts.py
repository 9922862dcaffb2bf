"""Texts of one Doc that the encoder reads apart: as if each were alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc, DocBin

from spacy_bert_plugin.errors import DataError
from spacy_bert_plugin.layers import build_bert_encoder_v1, prepare_docs, run_encoder
from spacy_bert_plugin.layers.apart_texts import count_texts, make_texts_doc, read_texts
from spacy_bert_plugin.layers.settings import OUTPUTS
from spacy_bert_plugin.pieces import PieceTokenizer
from spacy_bert_plugin.util.pairs import make_pair_doc

NLP = spacy.blank("en")
LONG = "the long movie was good and the music in the house " * 12  # over two windows
TEXTS = ["play some music", LONG, " ", "find 東京 !"]
Encode = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def encode(tiny_checkpoint: Path) -> Encode:
    model = build_bert_encoder_v1(name=str(tiny_checkpoint), overlap=8)
    model.initialize()

    def run(docs: list[Doc]) -> dict[str, Any]:
        pooled = [name for name in OUTPUTS if name != "tokens"]
        encoded, prepared, _ = run_encoder(model, docs, is_train=False, pooled=pooled)
        return {"tokens": encoded.tokens, "rows": prepared.row_counts, **encoded.pooled}

    return run


def test_each_text_has_the_vectors_that_it_has_alone(encode: Encode) -> None:
    together = encode([NLP("hello"), make_texts_doc(NLP, TEXTS), NLP("")])
    alone = encode([NLP("hello"), *map(NLP, TEXTS), NLP("")])
    assert together["rows"] == [1, 4, 1]
    for name in OUTPUTS:
        assert together[name].shape == alone[name].shape
        assert torch.allclose(together[name], alone[name], atol=1e-5), name


def test_pieces_are_those_of_each_text_alone(any_tokenizer_json: str) -> None:
    tokenizer = PieceTokenizer.from_json(any_tokenizer_json)
    doc = make_texts_doc(NLP, ["the word in", "the wing"])
    found = prepare_docs([doc], tokenizer, max_pieces=64, overlap=8)
    alone = tokenizer.encode(["the word in", "the wing"])
    assert found.ids.tolist() == [i for text in alone for i in text.ids.tolist()]
    assert found.windows.lengths.tolist() == [len(text) for text in alone]
    assert found.windows.docs.tolist() == [0, 0]
    assert found.window_rows.tolist() == [0, 1]
    # The offsets of all pieces are those in the text of the whole Doc.
    marked = [doc.text[a:b].strip() for a, b in found.pieces[0].offsets.tolist()]
    assert "".join(marked) == "thewordinthewing"


def test_gradients_reach_the_encoder_from_each_text(tiny_checkpoint: Path) -> None:
    model = build_bert_encoder_v1(name=str(tiny_checkpoint), overlap=8, output="pieces")
    model.initialize()
    doc = make_texts_doc(NLP, ["play music", "book a table"])
    sizes = []
    for gradient in ([1.0, 0.0], [0.0, 1.0], [0.0, 0.0]):
        [vectors], backprop = model.begin_update([doc])
        assert vectors.shape == (2, 32)
        rows = np.array(gradient, dtype="f")[:, None] * np.linspace(-1, 1, 32, dtype="f")
        backprop([rows])
        weights = model.shims[0].encoder.parameters()
        sizes.append(sum(float(p.grad.abs().sum()) for p in weights if p.grad is not None))
        for param in model.shims[0].encoder.parameters():
            param.grad = None
    assert sizes[0] > 0
    assert sizes[1] > 0
    assert sizes[0] != pytest.approx(sizes[1])
    assert sizes[2] == 0


def test_they_travel_with_the_doc() -> None:
    doc = make_texts_doc(NLP, ["play music", NLP("book a table"), "rain"])
    copies = [
        Doc(NLP.vocab).from_bytes(doc.to_bytes()),
        next(DocBin().from_bytes(DocBin(docs=[doc]).to_bytes()).get_docs(NLP.vocab)),
    ]
    for copied in (doc, *copies):
        assert [span.text for span in read_texts(copied)] == ["play music", "book a table", "rain"]
        assert count_texts(copied) == 3
    assert count_texts(NLP("rain")) == count_texts(NLP("")) == 1


@pytest.mark.parametrize("texts", [[], ["rain", ""], [""]])
def test_empty_texts_are_errors(texts: list[str]) -> None:
    with pytest.raises(DataError, match="at least one text"):
        make_texts_doc(NLP, texts)


@pytest.mark.parametrize("borders", [[(0, 2)], [(0, 2), (1, 4)], [(0, 1), (2, 4)], [(1, 4)], []])
def test_spans_that_do_not_cover_the_doc_are_errors(
    encode: Encode, borders: list[tuple[int, int]]
) -> None:
    doc = NLP("play music in london")
    doc.spans["texts"] = [doc[a:b] for a, b in borders]
    with pytest.raises(DataError, match="cover the Doc of 4 tokens"):
        encode([doc])


def test_a_pair_cannot_be_read_apart_and_together(encode: Encode) -> None:
    doc = make_pair_doc(NLP, "play", "music")
    doc.spans["texts"] = list(doc.spans["pair"])
    with pytest.raises(DataError, match="both"):
        encode([doc])


def test_long_docs_have_the_largest_numbers_of_all_their_windows(encode: Encode) -> None:
    doc = NLP(LONG)
    found = encode([doc, NLP("rain")])
    assert (found["max"][0] >= found["cls"][0] - 1e-5).all()
    assert found["max"].shape == (2, 32)
    assert torch.allclose(found["max"][1:], encode([NLP("rain")])["max"], atol=1e-5)
