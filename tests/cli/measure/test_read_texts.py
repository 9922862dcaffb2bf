"""Texts from files."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_bert_plugin.cli.measure.texts import read_texts
from spacy_bert_plugin.errors import DataError


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf8")
    return path


def test_kinds_of_files_in_their_order(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    docs = tmp_path / "c.spacy"
    DocBin(docs=[nlp("five six"), nlp("")]).to_disk(docs)
    paths = [
        write(tmp_path / "a.txt", "one\n\n two \n  \n"),
        write(tmp_path / "b.jsonl", '{"text": "three\\u2028four", "x": 1}\n\n{"text": " "}\n'),
        docs,
    ]
    assert read_texts(paths) == ["one", " two ", "three\u2028four", "five six"]


def test_a_seeded_draw(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "\n".join(map(str, range(50))))
    drawn = read_texts([path], n_texts=5, seed=1)
    assert len(set(drawn)) == 5
    assert drawn == read_texts([path], n_texts=5, seed=1) != read_texts([path], n_texts=5, seed=2)
    assert len(read_texts([path], n_texts=500)) == 50


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.spacy"])
def test_files_without_texts(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(DataError, match="no file"):
        read_texts([path])
    if path.suffix == ".spacy":
        DocBin().to_disk(path)
    else:
        path.write_text(" \n\n")
    with pytest.raises(DataError, match=r"found none.*one|found none"):
        read_texts([path])


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "it is no JSON"),
        ('["text"]', "it has no text"),
        ('{"text": 3}', "it has no text"),
        (json.dumps({"text": "a\ud800"}), "surrogate pair at character 1"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, line: str, problem: str) -> None:
    path = write(tmp_path / "a.jsonl", f'{{"text": "good"}}\n{line}\n')
    with pytest.raises(DataError, match="line 2") as caught:
        read_texts([path])
    assert problem in str(caught.value)


def test_damaged_docs(tmp_path: Path) -> None:
    path = tmp_path / "a.spacy"
    path.write_bytes(b"these are no Docs")
    with pytest.raises(DataError, match="cannot be read"):
        read_texts([path])
