import json
from collections.abc import Callable
from typing import Any

import pytest

from spacy_bert_plugin.errors import DataError
from spacy_bert_plugin.training.formats import Record

ReadT = Callable[..., list[Record]]
CutT = Callable[[Record], list[tuple[str, str]]]
TEXT = "Play Blur"


def write(**row: Any) -> str:
    return json.dumps({"text": TEXT, **row})


@pytest.mark.parametrize(
    "row",
    [
        {"spans": [{"start": 5, "end": 9, "label": "artist", "extra": 1}]},
        {"spans": [[5, 9, "artist"]]},
        {"entities": [[5, 9, " artist "]]},
        {"label": [[5, 9, "artist"]]},
        {"spans": None, "ents": [[5, 9, "artist"]]},
    ],
)
def test_spans_in_every_form(read: ReadT, cut: CutT, row: dict[str, Any]) -> None:
    (record,) = read(write(**row), "data.jsonl")
    assert cut(record) == [("Blur", "artist")]
    assert record.cats is None


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"intent": "play"}, {"play": 1.0}),
        ({"label": "play"}, {"play": 1.0}),
        ({"labels": ["play", "music"]}, {"play": 1.0, "music": 1.0}),
        ({"label": 3}, {"3": 1.0}),
        ({"labels": []}, {}),
        ({"cats": {"play": True, "stop": 0, "maybe": 0.5}}, {"play": 1, "stop": 0, "maybe": 0.5}),
        ({"intent": None, "category": "a, b"}, {"a, b": 1.0}),
    ],
)
def test_labels_in_every_form(read: ReadT, row: dict[str, Any], expected: dict[str, float]) -> None:
    (record,) = read(write(**row), "data.jsonl")
    assert record.cats == expected
    assert record.spans is None


def test_intent_and_spans_together(read: ReadT, cut: CutT) -> None:
    row = write(intent="play", spans=[[5, 9, "artist"]])
    (record,) = read(row + "\n\n", "data.jsonl", task="joint")
    assert (record.positive, cut(record)) == (("play",), [("Blur", "artist")])
    assert read(row, "data.jsonl", task="ner")[0].cats is None
    assert read(row, "data.jsonl", task="textcat")[0].spans is None


def test_other_keys(read: ReadT, cut: CutT) -> None:
    row = json.dumps({"q": TEXT, "what": "play", "where": [[0, 4, "verb"]], "text": 1, "label": 2})
    settings = {"text_column": "q", "label_column": "what", "spans_column": "where"}
    (record,) = read(row, "data.jsonl", **settings)
    assert (record.text, record.positive, cut(record)) == (TEXT, ("play",), [("Play", "verb")])
    assert read(row, "data.jsonl", **{**settings, "label_column": "none"})[0].cats is None


def test_numbers_and_commas_go_by_the_label_list(read: ReadT) -> None:
    labels = ("joy", "anger", "a,b")
    rows = "\n".join([write(label=1), write(label="0,1"), write(label="a,b")])
    records = read(rows, "data.jsonl", labels=labels)
    assert [record.positive for record in records] == [("anger",), ("joy", "anger"), ("a,b",)]


def test_line_separators_inside_a_text_end_no_line(read: ReadT) -> None:
    row = json.dumps({"text": "a\u2028b\x85c", "label": "x"}, ensure_ascii=False)
    assert read(row, "data.jsonl")[0].text == "a\u2028b\x85c"


@pytest.mark.parametrize(
    ("row", "settings", "message"),
    [
        ("{", {}, "expected one JSON object, but Expecting"),
        ("[1]", {}, "it is of type list"),
        ("[" * 100_000, {}, "expected one JSON object"),
        ('{"label": "x"}', {}, "expected 'text' to be a string, but it is absent"),
        ('{"text": ["a"]}', {}, "it is of type list with 1 items"),
        (r'{"text": "a\ud83d"}', {}, "lone surrogate"),
        (r'{"text": "a", "label": "\ud83d"}', {}, "lone surrogate"),
        (write(spans="x"), {}, "'spans' to be a list of spans"),
        (write(spans=[[0, 4]]), {}, "expected 'spans' to be spans such as"),
        (write(spans=[{"start": 0, "end": 4}]), {}, "with a label that is a string"),
        (write(spans=[[0.0, 4, "x"]]), {}, "expected 'spans' to be spans such as"),
        (write(spans=[[0, True, "x"]]), {}, "expected 'spans' to be spans such as"),
        (write(spans=[[5, 10, "x"]]), {}, r"inside the text of 9 characters .* got 5 to 10 \(x\)"),
        (write(spans=[[4, 4, "x"]]), {}, "got 4 to 4"),
        (write(spans=[[-1, 4, "x"]]), {}, "got -1 to 4"),
        (write(label=1.5), {}, "'label' to be a label, a number, or a list"),
        (write(labels=["a", None]), {}, "it is of type list with 2 items"),
        (write(cats={"a": "b"}), {}, "numbers from 0 to 1 by label"),
        (write(cats={"a": 2}), {}, "numbers from 0 to 1 by label"),
        (write(cats={"a": 1}), {"labels": ("b",)}, "out of the 1 of the label list .* got 'a'"),
        (write(label="a"), {"labels": ("b",)}, "got 'a'"),
        (write(label=1), {"labels": ("b",)}, "got '1'"),
        (write(labels=["a", "b"]), {"task": "textcat"}, "exactly one label .* got a, b"),
        (write(cats={"a": 0}), {"task": "textcat"}, "exactly one label .* got none"),
        (write(), {"task": "textcat"}, "exactly one label .* got none"),
    ],
)
def test_bad_rows_are_named(read: ReadT, row: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=rf"data\.jsonl, line 3: .*{message}"):
        read(f"{write(label='b')}\n\n{row}\n", "data.jsonl", **settings)


def test_messages_hold_no_text_of_the_user(read: ReadT) -> None:
    with pytest.raises(DataError) as caught:
        read(json.dumps({"text": {"secret": "words"}}), "data.jsonl")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("task", "expected"), [("ner", "spans"), ("textcat_multilabel", "labels"), ("joint", "spans")]
)
def test_nothing_for_the_task(read: ReadT, task: str, expected: str) -> None:
    with pytest.raises(DataError, match=f"expected {expected}.* for the task '{task}'"):
        read('{"text": "a"}', "data.jsonl", task=task)
