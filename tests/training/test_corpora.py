"""The corpus reader: the same examples from every kind of file."""

import json
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Corpus, Example

from spacy_bert_plugin.errors import DataError, SettingError
from spacy_bert_plugin.training.corpora import build_corpus_v1
from spacy_bert_plugin.training.formats.options import OPTION_NAMES

ROWS: list[dict[str, Any]] = [
    {"text": "play Blur", "intent": "play", "spans": [[5, 9, "artist"]]},
    {"text": "", "intent": "stop", "spans": []},
    {"text": "book a table", "intent": "book", "spans": []},
]


@pytest.fixture
def nlp() -> Any:
    return spacy.blank("en")


@pytest.fixture
def jsonl(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "a.jsonl"
    path.parent.mkdir()
    path.write_text("\n".join(map(json.dumps, ROWS)))
    return path


def show(examples: list[Example]) -> list[tuple[str, list[str], dict[str, float]]]:
    return [(e.text, [x.label_ for x in e.reference.ents], e.reference.cats) for e in examples]


EXPECTED = [
    ("play Blur", ["artist"], {"book": 0.0, "play": 1.0, "stop": 0.0}),
    ("book a table", [], {"book": 1.0, "play": 0.0, "stop": 0.0}),
]


def test_rows_become_examples(jsonl: Path, nlp: Any) -> None:
    examples = list(build_corpus_v1(jsonl)(nlp))
    assert show(examples) == EXPECTED
    assert not any(example.predicted.cats for example in examples)
    assert show(list(build_corpus_v1(jsonl)(nlp))) == EXPECTED


def test_spacy_files_read_as_spacy_reads_them(jsonl: Path, nlp: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.spacy"
    references = [example.reference for example in build_corpus_v1(jsonl)(nlp)]
    DocBin(docs=[*references, nlp("")]).to_disk(path)
    ours, theirs = list(build_corpus_v1(path)(nlp)), list(Corpus(path)(nlp))
    assert show(ours) == show(theirs) == EXPECTED


def test_folders_share_their_labels(jsonl: Path, nlp: Any) -> None:
    (jsonl.parent / "b.tsv").write_text("More music\tplay\nGood night\tsleep\n")
    (jsonl.parent / ".hidden.csv").write_text("broken")
    (jsonl.parent / "notes.md").write_text("broken")
    examples = list(build_corpus_v1(jsonl.parent)(nlp))
    assert [e.text for e in examples][2:] == ["More music", "Good night"]
    assert {tuple(e.reference.cats) for e in examples} == {("book", "play", "sleep", "stop")}


def test_label_lists(jsonl: Path, nlp: Any, tmp_path: Path) -> None:
    names = ["stop", "play", "book", "sleep"]
    path = tmp_path / "labels.txt"
    path.write_text("\n".join(names))
    for labels in (names, path):
        example = next(iter(build_corpus_v1(jsonl, labels=labels)(nlp)))
        assert list(example.reference.cats) == names


def test_spacys_own_settings(jsonl: Path, nlp: Any) -> None:
    def double(_: Any, example: Example) -> list[Example]:
        return [example, example]

    assert show(list(build_corpus_v1(jsonl, limit=1)(nlp))) == EXPECTED[:1]
    assert show(list(build_corpus_v1(jsonl, max_length=3)(nlp))) == EXPECTED[:1]
    doubled = list(build_corpus_v1(jsonl, augmenter=double)(nlp))
    assert [e.text for e in doubled] == ["play Blur"] * 2 + ["book a table"] * 2
    shuffled = show(list(build_corpus_v1(jsonl, shuffle=True)(nlp)))
    assert sorted(shuffled, key=str) == sorted(EXPECTED, key=str)


def test_gold_tokens_become_the_input(nlp: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("# text = can't\ncan't\tB-X\n")
    for settings, expected in (
        ({}, ["ca", "n't"]),
        ({"gold_tokens": True}, ["can't"]),
        ({"gold_preproc": True}, ["can't"]),
    ):
        (example,) = build_corpus_v1(path, **settings)(nlp)  # type: ignore[arg-type]
        assert [token.text for token in example.predicted] == expected


@pytest.mark.parametrize("task", ["ner", "textcat"])
def test_only_what_the_task_wants(jsonl: Path, nlp: Any, task: str) -> None:
    (doc, _) = [example.reference for example in build_corpus_v1(jsonl, task=task)(nlp)]
    assert (bool(doc.ents), bool(doc.cats)) == (task == "ner", task == "textcat")


@pytest.mark.parametrize("name", ["a.spacy", "a.jsonl", "a.csv", "folder"])
def test_nothing_to_train_on(nlp: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    elif name == "a.spacy":
        DocBin(docs=[nlp("")]).to_disk(path)
    else:
        path.write_text('{"text": " "}\n' if name == "a.jsonl" else "text,label\n,x\n ,x\n")
    with pytest.raises(DataError, match=rf"corpus '.*{name}' has no example"):
        list(build_corpus_v1(path)(nlp))


def test_no_such_corpus(nlp: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        list(build_corpus_v1(tmp_path / "a.spacy")(nlp))
    with pytest.raises(SettingError, match=r"--paths\.train"):
        build_corpus_v1(None)
    with pytest.raises(SettingError, match="'task' must be one of"):
        build_corpus_v1(tmp_path, task="everything")


def test_the_reader_is_registered_and_takes_every_setting(tmp_path: Path, nlp: Any) -> None:
    reader: Callable[..., Any] = spacy.registry.readers.get("spacy-bert-plugin.Corpus.v1")
    assert reader is build_corpus_v1
    names = {"use_header": "header"}
    assert {names.get(name, name) for name in OPTION_NAMES} <= set(signature(reader).parameters)
    path = tmp_path / "a.csv"
    path.write_text("what,how\na b,x|y\n")
    corpus = reader(path, text_column="1", label_column="2", label_sep="|", header=False)
    assert [e.reference.cats for e in corpus(nlp)] == [
        {"how": 1.0, "x": 0.0, "y": 0.0},
        {"how": 0.0, "x": 1.0, "y": 1.0},
    ]
