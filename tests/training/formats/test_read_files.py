from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spacy_bert_plugin.errors import DataError, SettingError
from spacy_bert_plugin.training.formats import (
    FormatOptions,
    Record,
    read_label_names,
    read_records,
)
from spacy_bert_plugin.training.formats.read import detect_format

ReadT = Callable[..., list[Record]]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.jsonl", "", "jsonl"),
        ("a.NDJSON", "", "jsonl"),
        ("a.iob2", "", "conll"),
        ("a.csv", "", "csv"),
        ("a.tsv", "word\tO\nother\tB-X\n", "conll"),
        ("a.tsv", "a sentence\tgood\n", "tsv"),
        ("a.tsv", "one column\n", "tsv"),
        ("a.annotated", "# text = x\nword\tO\n", "conll"),
        ("a.txt", "word O\nother B-X\n", "conll"),
        ("a.txt", '\n{"text": "a"}\n', "jsonl"),
        ("a.data", "a, sentence,good\n", "csv"),
    ],
)
def test_formats_are_told_apart(name: str, text: str, expected: str) -> None:
    assert detect_format(Path(name), text) == expected


def test_unknown_format() -> None:
    with pytest.raises(DataError, match="first line is 'plain prose'"):
        detect_format(Path("a.txt"), "plain prose\n")


def test_format_can_be_forced(read: ReadT) -> None:
    records = read("word\tO\nother\tB-X\n", "a.iob2", format="tsv")
    assert [record.text for record in records] == ["word", "other"]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file '.*nothing\.csv'"):
        read_records(tmp_path / "nothing.csv", FormatOptions())
    with pytest.raises(DataError, match="no file"):
        read_records(tmp_path, FormatOptions())


def test_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes("text\tlabel\nja\tgut\nschön\tgut\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"a\.tsv, line 3: expected text in utf-8, .* f6"):
        read_records(path, FormatOptions())
    assert read_records(path, FormatOptions(encoding="latin-1"))[1].text == "schön"


@pytest.mark.parametrize("text", ["joy\n anger \n\n", '["joy", "anger"]'])
def test_label_lists(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels"
    path.write_text(text)
    assert read_label_names(path) == ("joy", "anger")


@pytest.mark.parametrize(
    ("text", "message"),
    [("a\nb\na\n", "'a' stands there twice"), ("\n", "has none"), ('["a"', "line 1: .*JSON")],
)
def test_bad_label_lists(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "labels"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_label_names(path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"format": "xml"}, "'format' must be one of .*conll"),
        ({"task": "parser"}, "'task' must be one of"),
        ({"align": "guess"}, "'align' must be one of"),
        ({"quoting": "some"}, "'quoting' must be one of"),
        ({"sep": "::"}, "'sep' must be one character"),
        ({"sep": ""}, "'sep' must be one character"),
        ({"label_sep": ""}, "'label_sep' must be at least one character"),
        ({"word_column": 0}, "'word_column' must be a number from 1"),
        ({"encoding": "utf-9"}, "'encoding' must be an encoding"),
    ],
)
def test_impossible_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        FormatOptions(**settings)
