"""SQuAD files in and out: whatever they hold, or an error that names file and question."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin

from spacy_bert_plugin.errors import DataError, SettingError
from spacy_bert_plugin.training.corpora import build_corpus_v1
from spacy_bert_plugin.training.formats import (
    FormatOptions,
    Record,
    build_docs,
    split_records,
)
from spacy_bert_plugin.training.formats.squad import read_squad
from spacy_bert_plugin.training.formats.squad_docs import QuestionBuilder, make_squad, write_squad

PATH = Path("questions.json")
ROME = "Rome lies in Italy. It was founded in 753BC,  they say."
QAS: list[dict[str, Any]] = [
    {
        "id": "1",
        "question": "Where is Rome?",
        "answers": [
            {"text": "Italy", "answer_start": 13},
            {"text": "in Italy", "answer_start": 10},
        ],
        "is_impossible": False,
    },
    {
        "id": "2",
        "question": "When was it founded",
        "answers": [{"text": "753", "answer_start": 38}],
        "is_impossible": False,
    },
    {"id": "3", "question": "Who was Remus?", "answers": [], "is_impossible": True},
]
Read = Callable[..., list[Record]]


def make_file(qas: list[Any] | None = None, context: Any = ROME, **changes: Any) -> str:
    paragraphs = [{"context": context, "qas": QAS if qas is None else qas}]
    root = {"version": "2.0", "data": [{"title": "Rome", "paragraphs": paragraphs}]}
    return json.dumps({**root, **changes})


def change(**changes: Any) -> str:
    return make_file([{**QAS[0], **changes}])


def make_docs(text: str, lang: str = "en") -> list[Any]:
    return list(QuestionBuilder(spacy.blank(lang)).build(read_squad(PATH, text)))


def test_questions_become_pairs_with_their_answers() -> None:
    docs = make_docs(make_file())
    for doc, row in zip(docs, QAS, strict=True):
        assert [span.text for span in doc.spans["pair"]] == [row["question"], ROME]
        group = doc.spans["gold_answers"]
        assert group.attrs["texts"] == [answer["text"] for answer in row["answers"]]
        assert group.attrs["id"] == row["id"]
    assert [span.text for span in docs[0].spans["gold_answers"]] == ["Italy", "in Italy"]
    # It cuts a token: the whole token is learned, the text that is scored stays.
    (cut,) = docs[1].spans["gold_answers"]
    assert (cut.text, docs[1].spans["gold_answers"].attrs["texts"]) == ("753BC", ["753"])
    assert len(docs[2].spans["gold_answers"]) == 0


def test_a_file_comes_back_as_it_was(tmp_path: Path) -> None:
    docs = make_docs(make_file())
    assert make_squad(docs) == json.loads(make_file())
    stored = list(DocBin().from_bytes(DocBin(docs=docs).to_bytes()).get_docs(docs[0].vocab))
    write_squad(tmp_path / "out.json", stored)
    assert json.loads((tmp_path / "out.json").read_text()) == json.loads(make_file())
    assert make_squad([]) == {"version": "1.1", "data": []}


def test_docs_from_elsewhere_are_written_too() -> None:
    (doc,) = make_docs(make_file(QAS[:1]))
    doc.spans["gold_answers"] = list(doc.spans["gold_answers"])
    (article,) = make_squad([doc])["data"]
    assert article["paragraphs"][0]["qas"] == [{**QAS[0], "id": "0"}]
    del doc.spans["gold_answers"]
    (row,) = make_squad([doc])["data"][0]["paragraphs"][0]["qas"]
    assert row == {"id": "0", "question": "Where is Rome?"}


WORDS = st.sampled_from(["Rome", "753BC", "a-b", "«x»", "\n", "  ", "ß", "罗马", "it's", "\u200b"])


@given(st.lists(WORDS, min_size=1, max_size=8).map(" ".join), st.data())
def test_every_answer_is_found(context: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(context) - 1))
    text = context[start : start + data.draw(st.integers(1, len(context)))]
    if not text.strip():
        return
    row = {"id": "1", "question": "x", "answers": [{"text": text, "answer_start": start}]}
    for lang in ("en", "zh"):
        (doc,) = make_docs(make_file([row], context), lang)
        (span,) = doc.spans["gold_answers"]
        assert text.strip() in span.text
        assert span.start >= doc.spans["pair"][1].start
        # No token could be left out.
        first = doc.spans["pair"][1].start_char + start
        begin, end = first + len(text) - len(text.lstrip()), first + len(text.rstrip())
        assert all(token.idx < end and token.idx + len(token) > begin for token in span)


def test_unknown_and_missing_answers_differ() -> None:
    unknown = {key: value for key, value in QAS[2].items() if key in ("id", "question")}
    none = {**unknown, "id": "4", "answers": []}
    docs = make_docs(make_file([unknown, none]))
    assert ["gold_answers" in doc.spans for doc in docs] == [False, True]


def test_numbers_may_be_ids_and_overlaps_are_fine() -> None:
    twice = [QAS[0]["answers"][0]] * 2
    (doc,) = make_docs(change(id=7, answers=twice))
    assert doc.spans["gold_answers"].attrs["id"] == "7"
    assert len(doc.spans["gold_answers"]) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"questions.json: expected a SQuAD file.*it is no JSON"),
        ("[1]", r"there is no list 'data' at the top"),
        (make_file(data={}), r"there is no list 'data' at the top"),
        (make_file(data=[{}]), r"there is no list 'paragraphs' at data\[0\]"),
        (make_file(data=[3]), r"there is no list 'paragraphs' at data\[0\]"),
        (make_file(context=None), r"there is no text 'context' at data\[0\].paragraphs\[0\]"),
        (change(question=3), r"there is no text 'question' at .*qas\[0\]"),
        (change(id=None), r"a question has no 'id' at .*qas\[0\]"),
        (change(answers="Italy"), r"there is no list 'answers' at .*qas\[0\]"),
        (change(answers=[{"text": "Italy"}]), r"an answer has no number 'answer_start'"),
        (change(question="\ud800"), r"lone surrogate"),
        (change(question=" \n"), r"questions.json, question '1': the question is empty"),
        (make_file(context="  "), r"question '1': the context is empty"),
        (change(answers=[{"text": " ", "answer_start": 4}]), r"'1': the answer is empty"),
        (change(answers=[{"text": "Paris", "answer_start": 13}]), r"'1'.*'Paris'.*13.*'Italy'"),
        (change(answers=[{"text": "Italy", "answer_start": 900}]), r"'1'.*'Italy'.*900"),
        (change(answers=[{"text": "Italy", "answer_start": -42}]), r"'1'.*'Italy'.*-42"),
        (change(is_impossible=True), r"'1': 'is_impossible'.*there are 2"),
        (make_file([QAS[0], QAS[0]]), r"the id '1' stands there twice"),
    ],
)
def test_bad_files_are_refused(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_squad(PATH, text)


def test_a_text_that_is_too_long() -> None:
    nlp = spacy.blank("en")
    nlp.max_length = 20
    with pytest.raises(DataError, match=r"id 1.*at most 20"):
        list(QuestionBuilder(nlp).build(read_squad(PATH, make_file())))


# Through the readers of all formats


def test_json_files_are_recognised(read: Read, nlp: Any) -> None:
    records = read(make_file(), "data.json")
    docs, summary = build_docs(nlp, records, options=FormatOptions(), categories=())
    assert (summary.n_docs, summary.n_unanswerable, summary.n_misaligned) == (3, 1, 1)
    assert summary.spans == {"answer": 3}
    assert summary.n_duplicates == 0
    assert [doc.spans["gold_answers"].attrs["id"] for doc in docs] == ["1", "2", "3"]
    assert len(read(make_file(), "data.txt", format="squad")) == 3
    # Other JSON is read as before.
    assert read('{"text": "Rome"}', "data.json")[0].question is None


def test_questions_on_one_context_are_not_split(read: Read) -> None:
    contexts = [f"{ROME} {number}" for number in range(10)]
    paragraphs = [
        {"context": c, "qas": [{**row, "id": f"{row['id']}-{i}"} for row in QAS]}
        for i, c in enumerate(contexts)
    ]
    text = json.dumps({"data": [{"title": "", "paragraphs": paragraphs}]})
    kept, aside = split_records(read(text, "data.json"), share=0.3, seed=0)
    assert (len(kept), len(aside)) == (21, 9)
    assert not {record.text for record in kept} & {record.text for record in aside}


def test_the_corpus_gives_both_sides_of_an_example_their_texts(tmp_path: Path, nlp: Any) -> None:
    (tmp_path / "train.json").write_text(make_file())
    examples = list(build_corpus_v1(tmp_path / "train.json")(nlp))
    assert len(examples) == 3
    for example in examples:
        pairs = [[s.text for s in d.spans["pair"]] for d in (example.predicted, example.reference)]
        assert pairs[0] == pairs[1]
        assert list(example.predicted.spans) == ["pair"]


def test_alignment_is_fixed() -> None:
    with pytest.raises(SettingError, match="SQuAD"):
        FormatOptions(format="squad", align="strict")
