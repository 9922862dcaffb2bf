"""Rows of two texts and rows with scores, from every kind of file; bad rows are named."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_bert_plugin.errors import DataError, SettingError
from spacy_bert_plugin.training.formats import FormatOptions, Record, build_docs, read_records
from spacy_bert_plugin.training.formats.pairs import PAIR_NAMES

ROW = {"premise": "a b", "hypothesis": "c", "label": "yes"}


def read(tmp_path: Path, name: str, content: Any, **settings: Any) -> list[Record]:
    path = tmp_path / name
    if not isinstance(content, str):
        content = "\n".join(map(json.dumps, content))
    path.write_text(content)
    return read_records(path, FormatOptions(**settings))


def show(records: list[Record]) -> list[Any]:
    return [(record.text, record.second, record.cats) for record in records]


EXPECTED = [("a b", "c", {"yes": 1.0})]


@pytest.mark.parametrize("names", PAIR_NAMES, ids="-".join)
def test_pairs_are_known_by_their_names(tmp_path: Path, names: tuple[str, str]) -> None:
    row = {names[0]: "a b", names[1]: "c", "label": "yes"}
    assert show(read(tmp_path, "a.jsonl", [row])) == EXPECTED
    table = f"label\t{names[1].title()}\t{names[0]}\nyes\tc\ta b\n"
    assert show(read(tmp_path, "a.tsv", table, task="pairs")) == EXPECTED
    assert show(read(tmp_path, "a.csv", table.replace("\t", ","))) == EXPECTED


def test_columns_may_be_named(tmp_path: Path) -> None:
    named = {"text_column": "x", "second_text_column": "y"}
    row = {"x": "a b", "y": "c", "label": "yes"}
    assert show(read(tmp_path, "a.jsonl", [row], **named)) == EXPECTED
    assert show(read(tmp_path, "a.csv", "y,label,x\nc,yes,a b\n", **named)) == EXPECTED
    numbered = {"text_column": "3", "second_text_column": "1", "label_column": "2"}
    table = "c\tyes\ta b\n"
    assert show(read(tmp_path, "b.tsv", table, use_header=False, **numbered)) == EXPECTED


def test_one_text_stays_one(tmp_path: Path) -> None:
    row = {"text": "a", **ROW}
    assert show(read(tmp_path, "a.jsonl", [row])) == [("a", None, {"yes": 1.0})]
    only = read(tmp_path, "b.jsonl", [ROW], text_column="premise")
    assert show(only) == [("a b", None, {"yes": 1.0})]
    assert show(read(tmp_path, "c.csv", "question,label\na b?,yes\n"))[0][1] is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {**ROW, "hypothesis": ""},
            r"line 2: expected two texts.* second one \(hypothesis\) is em",
        ),
        ({**ROW, "premise": " "}, r"first one \(premise\) is empty"),
        ({"premise": "a", "label": "yes"}, r"\(hypothesis\) is absent"),
        ({**ROW, "premise": 3}, "of type int"),
        ({"premise": "a", "hypothesis": "b"}, "line 2: expected exactly one label"),
        ({"a": "a", "b": "b", "label": "yes"}, "line 2: cannot tell which columns"),
        ({**ROW, "label": "no"}, "line 2: expected a label out of the 1"),
    ],
)
def test_bad_pairs_are_named(tmp_path: Path, row: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, "a.jsonl", [ROW, row], task="pairs", labels=("yes",))


def test_bad_tables_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 3: .* second one \(hypothesis\) is empty"):
        read(tmp_path, "a.csv", "premise,hypothesis,label\na,b,yes\na,,no\n")
    with pytest.raises(DataError, match="which columns hold the two texts"):
        read(tmp_path, "a.csv", "text,label\na,yes\n", task="pairs")
    with pytest.raises(DataError, match="'nosuch'"):
        read(tmp_path, "a.csv", "premise,label\na,yes\n", second_text_column="nosuch")
    with pytest.raises(SettingError, match="pairs of texts"):
        FormatOptions(task="ner", second_text_column="b")


def test_scores_are_read_by_name(tmp_path: Path) -> None:
    pair = {"sentence1": "a", "sentence2": "b"}
    options = {"task": "regression", "min_score": 0.0, "max_score": 5.0}
    rows = [{**pair, "score": 5}, {"text": "a", "similarity": "0.5"}, {**pair, "label": 2.5}]
    assert [r.cats for r in read(tmp_path, "a.jsonl", rows, **options)] == [
        {"score": 5.0},
        {"similarity": 0.5},
        {"score": 2.5},
    ]
    several = [{**pair, "cats": {"x": 1, "y": 2}}]
    assert read(tmp_path, "a.jsonl", several, **options)[0].cats == {"x": 1.0, "y": 2.0}
    table = "sentence1\tsentence2\trelatedness\na\tb\t4.5\n"
    assert show(read(tmp_path, "a.tsv", table, **options)) == [("a", "b", {"relatedness": 4.5})]
    plain = "some words\t3.5\nother words\t1\n"
    named = {"label_column": "2", "use_header": False}
    assert show(read(tmp_path, "b.tsv", plain, **options, **named))[1] == (
        "other words",
        None,
        {"score": 1.0},
    )


@pytest.mark.parametrize(
    ("score", "message"),
    [
        ("high", "expected a number as the score .score., but got 'high'"),
        ("nan", "not finite"),
        (6, "line 2: expected a score from 0.0 to 5.0, but 'score' is 6.0"),
        (-1, "from 0.0 to 5.0"),
        (None, "type NoneType"),
        (True, "type bool"),
    ],
)
def test_bad_scores_are_named(tmp_path: Path, score: Any, message: str) -> None:
    rows = [{"text": "a", "score": 1}, {"text": "b", "score": score}]
    options = {"task": "regression", "min_score": 0.0, "max_score": 5.0}
    with pytest.raises(DataError, match=message):
        read(tmp_path, "a.jsonl", rows, **options)


def test_docs_of_pairs_and_scores(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    options = FormatOptions(task="regression")
    rows = [
        {"sentence1": "a b", "sentence2": "c", "score": -3.5},
        {"sentence1": "a b", "sentence2": "d", "score": 1},
        {"text": "a b", "other": 2, "score": 2},
    ]
    records = read(tmp_path, "a.jsonl", rows, task="regression")
    docs, summary = build_docs(nlp, records, options=options, categories=())
    assert [doc.cats for doc in docs] == [{"score": -3.5}, {"score": 1.0}, {"score": 2.0}]
    assert [span.text for span in docs[0].spans["pair"]] == ["a b", "c"]
    assert "pair" not in docs[2].spans
    assert (summary.n_pairs, summary.n_duplicates, summary.cats) == (2, 0, {"score": 3})
