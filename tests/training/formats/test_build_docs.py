from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus

from spacy_bert_plugin.errors import DataError
from spacy_bert_plugin.training.formats import (
    FormatOptions,
    Record,
    Summary,
    TextSpan,
    build_docs,
    find_categories,
)

P = Path("f")


def make(text: str, *spans: tuple[int, int, str], **more: Any) -> Record:
    return Record(path=P, line=1, text=text, spans=tuple(TextSpan(*s) for s in spans), **more)


def build(nlp: Any, *records: Record, **settings: Any) -> tuple[list[Doc], Summary]:
    options = FormatOptions(**settings)
    categories = find_categories(records, options)
    return build_docs(nlp, records, options=options, categories=categories)


def list_ents(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


CUTTING = make("at MH370 now", (3, 5, "LINE"), (5, 12, "NUM"))


def test_the_tokenizer_would_cut_these(nlp: Any) -> None:
    assert [token.text for token in nlp(CUTTING.text)] == ["at", "MH370", "now"]


@pytest.mark.parametrize(
    ("align", "ents", "n_lost"),
    [
        ("expand", [("MH370 now", "NUM")], 1),
        ("contract", [("now", "NUM")], 1),
        ("split", [("MH", "LINE"), ("370 now", "NUM")], 0),
        ("drop", [], 2),
    ],
)
def test_spans_that_cut_a_token(
    nlp: Any, align: str, ents: list[tuple[str, str]], n_lost: int
) -> None:
    (doc,), summary = build(nlp, CUTTING, align=align)
    assert list_ents(doc) == ents
    assert doc.text == CUTTING.text
    assert (summary.n_misaligned, summary.n_lost) == (2, n_lost)
    assert summary.spans == Counter(label for _, label in ents)


def test_strict_alignment(nlp: Any) -> None:
    with pytest.raises(DataError, match=r"f, line 1: .*LINE at 3 to 5 cuts a token"):
        build(nlp, CUTTING, align="strict")


def test_all_but_spans_is_outside(nlp: Any) -> None:
    (doc,), _ = build(nlp, make("a b c", (2, 3, "X")))
    assert [token.ent_iob_ for token in doc] == ["O", "B", "O"]


def test_unknown_stretches_stay_unknown(nlp: Any) -> None:
    record = make("a b c", (0, 1, "X"), words=("a", "b", "c"), missing=((2, 3),))
    (doc,), _ = build(nlp, record)
    assert [token.ent_iob_ for token in doc] == ["B", "", "O"]


def test_not_annotated_is_not_empty(nlp: Any) -> None:
    unknown = Record(path=P, line=1, text="a b")
    (doc, other), summary = build(nlp, unknown, make("c"))
    assert not doc.has_annotation("ENT_IOB")
    assert other.has_annotation("ENT_IOB")
    assert (summary.n_unannotated, summary.n_unlabelled) == (1, 0)


def test_white_space_is_taken_off_spans(nlp: Any) -> None:
    (doc,), summary = build(nlp, make("a big  b", (1, 6, "X"), (5, 7, "Y")))
    assert list_ents(doc) == [("big", "X")]
    assert (summary.n_trimmed, summary.n_lost) == (2, 1)


def test_overlaps(nlp: Any) -> None:
    record = make("a b c", (0, 3, "X"), (2, 5, "Y"), (0, 3, "X"))
    with pytest.raises(DataError, match="X at 0 to 3 and Y at 2 to 5"):
        build(nlp, record)
    (doc,), summary = build(nlp, record, task="spancat", spans_key="k")
    assert [(span.text, span.label_) for span in doc.spans["k"]] == [("a b", "X"), ("b c", "Y")]
    assert summary.n_spans == 2
    assert not doc.ents


def test_expanding_to_the_same_span_twice(nlp: Any) -> None:
    record = make("at MH370", (3, 5, "X"), (5, 8, "X"))
    (doc,), summary = build(nlp, record, task="spancat")
    assert [span.text for span in doc.spans["sc"]] == ["MH370"]
    assert summary.n_lost == 1


def test_categories_of_all_records(nlp: Any) -> None:
    records = [
        Record(path=P, line=1, text="a", cats={"x": 1.0}),
        Record(path=P, line=2, text="b", cats={"y": 1.0, "x": 1.0}),
        Record(path=P, line=3, text="c", cats={}),
        Record(path=P, line=4, text="d"),
    ]
    docs, summary = build(nlp, *records)
    assert [doc.cats for doc in docs] == [
        {"x": 1.0, "y": 0.0},
        {"x": 1.0, "y": 1.0},
        {"x": 0.0, "y": 0.0},
        {},
    ]
    assert (summary.n_multi, summary.n_unlabelled) == (1, 1)
    assert summary.cats == {"x": 2, "y": 1}
    (doc,), _ = build(nlp, records[0], labels=("z", "x"))
    assert list(doc.cats.items()) == [("z", 0.0), ("x", 1.0)]


def test_texts_without_text_and_repeated_ones(nlp: Any) -> None:
    records = [make(""), make(" \t\n"), make("a", (0, 1, "X")), make("a", (0, 1, "X")), make("a")]
    docs, summary = build(nlp, *records)
    assert [doc.text for doc in docs] == ["a", "a", "a"]
    assert (summary.n_rows, summary.n_docs, summary.n_empty) == (5, 3, 2)
    assert (summary.n_duplicates, summary.n_contradictions) == (2, 1)
    assert build(nlp) == ([], Summary())


def test_words_of_the_file_stay_tokens(nlp: Any, tmp_path: Path) -> None:
    """Without spaces spaCy takes the words as they are, with them it makes its own tokens."""
    unknown = make("do n't can't", words=("do", "n't", "can't"))
    known = make("don't", words=("do", "n't"), spaces=(False, False))
    docs, _ = build(nlp, unknown, known)
    assert docs[0].has_unknown_spaces
    assert docs[1].text == "don't"
    path = tmp_path / "a.spacy"
    DocBin(docs=docs).to_disk(path)
    first, second = Corpus(path)(nlp)
    assert [token.text for token in first.predicted] == ["do", "n't", "can't"]
    assert second.predicted.text == "don't"


def test_too_long_a_text(nlp: Any) -> None:
    with pytest.raises(DataError, match="at most 1000000 characters, but the text has 1000001"):
        build(nlp, make("a" * 1_000_001))
