"""Long Docs: the same answers without the matrix of token vectors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Doc

import spacy_bert_plugin.layers.reading as reading
import spacy_bert_plugin.pipeline.long_docs as long_docs
from spacy_bert_plugin.layers.bert_encoder import prepare
from spacy_bert_plugin.layers.reading import ReadVectors, group_docs
from spacy_bert_plugin.layers.runs import cut_runs
from tests.pipeline.conftest import list_ents, make_examples, make_ner_model

TEXT = "  play some music in the kitchen ,\n\n book a table for two in london and paris tomorrow . "
POOLED = {"@architectures": "spacy-bert-plugin.BertPooledListener.v1", "pooling": "mean"}
TOKENS = {"@architectures": "spacy-bert-plugin.BertListener.v1"}
TextcatT = dict[str, Any]


@pytest.fixture
def make_heads(make_nlp: Callable[..., Language]) -> Callable[..., Language]:
    """Make a pipeline with bert_textcat and bert_ner; initialised, with random weights."""

    def make(
        textcat: TextcatT = POOLED,
        ner: dict[str, Any] | None = None,
        pooling: str = "given",
        **config: Any,
    ) -> Language:
        nlp = make_nlp(heads=False, **config)
        nlp.add_pipe("bert_textcat", config={"model": {"tok2vec": textcat, "pooling": pooling}})
        nlp.add_pipe("bert_ner", config={"model": ner or {}})
        nlp.initialize(lambda: make_examples(nlp))
        randomise(nlp)
        return nlp

    return make


def randomise(nlp: Language) -> None:
    """Give the heads weights by which every answer depends on every vector."""
    import torch

    for name in ("bert_textcat", "bert_ner"):
        for parameter in nlp.get_pipe(name).model.shims[0].module.parameters():
            with torch.no_grad():
                parameter.normal_(std=0.3)


@pytest.fixture
def short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docs of more than 40 tokens are long, and come in small runs and blocks."""
    monkeypatch.setattr(long_docs, "LONG_DOC", 40)
    monkeypatch.setattr(long_docs, "RUN_PIECES", 90)
    monkeypatch.setattr(reading, "BLOCK_ROWS", 37)


def check_answers(doc: Doc, expected: Doc) -> None:
    assert list_ents(doc) == [(e.start, e.end, e.label_, e._.confidence) for e in expected.ents]
    assert doc.cats == pytest.approx(expected.cats, abs=1e-5)


@pytest.mark.parametrize(
    ("textcat", "pooling"),
    [
        (POOLED, "given"),
        ({**POOLED, "pooling": "cls"}, "given"),
        ({**POOLED, "pooling": "pooler"}, "given"),
        (TOKENS, "mean"),
        (TOKENS, "attention"),
        ({**TOKENS, "pooling": "first"}, "attention"),
    ],
)
def test_answers_are_those_of_all_vectors_at_once(
    make_heads: Callable[..., Language],
    monkeypatch: pytest.MonkeyPatch,
    textcat: TextcatT,
    pooling: str,
) -> None:
    nlp = make_heads(textcat, {"feature_window": 2, "hidden_width": 8}, pooling)
    texts = [TEXT * 12, TEXT, "", TEXT * 7]
    expected = list(nlp.pipe(texts))
    assert sum(len(doc.ents) for doc in expected) > 20
    monkeypatch.setattr(long_docs, "LONG_DOC", 40)
    monkeypatch.setattr(long_docs, "RUN_PIECES", 90)
    monkeypatch.setattr(reading, "BLOCK_ROWS", 37)
    for doc, other in zip(nlp.pipe(texts), expected, strict=True):
        check_answers(doc, other)
        np.testing.assert_allclose(doc.vector, other.vector, atol=1e-5)


@pytest.mark.usefixtures("short_limit")
def test_the_matrix_of_a_long_doc_does_not_exist(
    make_heads: Callable[..., Language], monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = make_heads(TOKENS, None, "mean")
    encoder: Any = nlp.get_pipe("bert_transformer")
    doc = nlp.make_doc(TEXT * 12)
    (item,) = encoder.predict([doc])
    assert set(item.outputs) == {"tokens", "first", "mean"}
    assert isinstance(item.outputs["tokens"], ReadVectors)
    assert len(item.outputs["tokens"].outputs) == 2
    shapes = [output.shape for output in item.outputs["tokens"].outputs.values()]
    assert sorted(shapes) == [(1, 2), (len(doc), 1 + 4 * 2)]


@pytest.mark.usefixtures("short_limit")
@pytest.mark.parametrize("keep", ["tokens", "all"])
def test_what_is_kept_is_all_there(make_heads: Callable[..., Language], keep: str) -> None:
    nlp = make_heads(keep=keep)
    doc = nlp(TEXT * 12)
    assert doc.tensor.shape == (len(doc), 32)
    assert doc.ents


@pytest.mark.usefixtures("short_limit")
def test_other_listeners_get_every_vector(make_heads: Callable[..., Language]) -> None:
    nlp = make_heads()
    nlp.add_pipe("ner", config={"model": make_ner_model()})
    nlp.get_pipe("ner").add_label("ROOM")
    nlp.get_pipe("ner").initialize(lambda: make_examples(nlp), nlp=nlp)
    encoder: Any = nlp.get_pipe("bert_transformer")
    (item,) = encoder.predict([nlp.make_doc(TEXT * 12)])
    assert item.outputs["tokens"].shape == (len(nlp.make_doc(TEXT * 12)), 32)


@pytest.mark.usefixtures("short_limit")
def test_a_listener_that_came_later_gets_vectors(make_heads: Callable[..., Language]) -> None:
    nlp = make_heads()
    with nlp.select_pipes(enable=["bert_transformer"]):
        doc = nlp(TEXT * 12)
    nlp.add_pipe("ner", config={"model": make_ner_model()})
    listener = nlp.get_pipe("ner").model.get_ref("tok2vec").layers[0]
    (vectors,) = listener.predict([doc])
    assert vectors.shape == (len(doc), 32)
    assert nlp.get_pipe("bert_ner")(doc).ents


@pytest.mark.usefixtures("short_limit")
def test_a_doc_can_be_read_again(make_heads: Callable[..., Language]) -> None:
    nlp = make_heads()
    doc = nlp(TEXT * 12)
    again = doc.copy()
    doc.ents = []
    check_answers(nlp.get_pipe("bert_ner")(doc), again)


@pytest.mark.usefixtures("short_limit")
def test_white_space_alone_can_be_long(make_heads: Callable[..., Language]) -> None:
    nlp = make_heads()
    doc = nlp(Doc(nlp.vocab, words=["\n"] * 60, spaces=[False] * 60))
    assert not doc.vector.any()
    assert sum(doc.cats.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("run_pieces", [1, 60, 10_000])
def test_runs_have_every_token_once(nlp: Language, run_pieces: int) -> None:
    # One word fills windows by itself: it is in one run.
    doc = nlp.make_doc(TEXT * 6 + " " + "x" * 200 + " " + TEXT * 6)
    prepared = prepare(nlp.get_pipe("bert_transformer").model, [doc])
    runs = list(cut_runs(prepared, run_pieces=run_pieces))
    assert (len(runs) > 1) == (run_pieces < 10_000)
    assert sum(run.n_tokens for run in runs) == len(doc)
    assert sum(len(run.windows) for run in runs) == len(prepared.windows)
    counts = np.concatenate([run.alignment.counts for run in runs])
    np.testing.assert_array_equal(counts, prepared.alignment.counts)
    for run in runs:
        windows, n_pieces = run.windows, len(run.ids)
        kept = windows.keep_ends - windows.keep_starts
        assert kept.sum() == n_pieces == run.alignment.doc_pieces.sum()
        assert (windows.starts <= windows.keep_starts).all()
        assert (windows.keep_ends <= windows.ends).all()
        assert (run.alignment.firsts + run.alignment.counts <= n_pieces).all()


def test_big_batches_have_more_long_docs(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    docs = [Doc(nlp.vocab, words=["a"] * n) for n in (10, 3, 0, 5)]
    assert long_docs.find_long(docs) == [False] * 4
    assert long_docs.find_long([]) == []
    monkeypatch.setattr(long_docs, "LONG_DOC", 9)
    assert long_docs.find_long(docs) == [True, False, False, False]
    monkeypatch.setattr(long_docs, "FEW_WINDOWS", 4)
    assert long_docs.find_long(docs) == [True, False, False, False]
    monkeypatch.setattr(long_docs, "BIG_BATCH", 17)
    assert long_docs.find_long(docs) == [True, False, False, True]
    assert long_docs.find_long(docs[:2]) == [True, False]


def test_batches_are_cut_into_blocks() -> None:
    assert list(group_docs([], 5)) == [range(0, 0)]
    assert list(group_docs([2, 3, 1, 9, 0, 4], 5)) == [
        range(0, 2), range(2, 3), range(3, 4), range(4, 6),
    ]  # fmt: skip
