import csv
from collections.abc import Callable
from typing import Any

import pytest

from spacy_bert_plugin.errors import DataError
from spacy_bert_plugin.training.formats import Record

ReadT = Callable[..., list[Record]]
Pairs = list[tuple[str, tuple[str, ...]]]


def pair(records: list[Record]) -> Pairs:
    return [(record.text, record.positive) for record in records]


GOOD: Pairs = [("It rains.", ("bad",)), ("Sun, at last", ("good",))]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data.csv", 'text,label\nIt rains.,bad\n"Sun, at last",good\n'),
        ("data.csv", 'It rains.,bad\n"Sun, at last",good\n'),
        ("data.csv", 'Label;Text\r\nbad;It rains.\r\ngood;"Sun, at last"\r\n'),
        ("data.csv", "id\ttext\tlabel\n1\tIt rains.\tbad\n2\tSun, at last\tgood\n"),
        ("data.tsv", "It rains.\tbad\n\nSun, at last\tgood\n"),
        ("data.tsv", "\ufefftext\tlabel\nIt rains.\tbad\nSun, at last\tgood"),
        ("data.tsv", "to category\tIt rains.\tbad\nto category\tSun, at last\tgood"),
        ("data.txt", "It rains.\tbad\nSun, at last\tgood"),
    ],
)
def test_columns_are_found(read: ReadT, name: str, text: str) -> None:
    assert pair(read(text, name)) == GOOD


@pytest.mark.parametrize("name", ["data.csv", "data.tsv"])
def test_quotes_of_a_csv_writer(read: ReadT, name: str) -> None:
    sep = "," if name.endswith("csv") else "\t"
    text = f'"She said ""no""\n and left"{sep}bad\nyes{sep}good\n'
    assert pair(read(text, name)) == [('She said "no"\n and left', ("bad",)), ("yes", ("good",))]


def test_plain_quotes_in_tsv(read: ReadT) -> None:
    rows = ['" home movie " is a treasure\tgood', '" . . . lost in translation "\tbad', '"\tbad']
    assert [record.text for record in read("\n".join(rows), "data.tsv")] == [
        row.partition("\t")[0] for row in rows
    ]
    quoted = read('"a ""b"""\tgood\nc\tbad\n', "data.tsv", quoting="none")
    assert quoted[0].text == '"a ""b"""'


def test_label_lists_and_separators(read: ReadT) -> None:
    text = "Yay\t1\tid1\nHm, no\t0,2\tid2\nWell\t\tid3\n"
    records = read(text, "data.tsv", labels=("anger", "joy", "doubt"))
    assert pair(records) == [("Yay", ("joy",)), ("Hm, no", ("anger", "doubt")), ("Well", ())]
    parted = read("Yay\ta|b\nNo way\ta\n", "data.tsv", label_sep="|")
    assert [record.positive for record in parted] == [("a", "b"), ("a",)]
    whole = read("Yay\ta,b\nNo way\ta\n", "data.tsv")
    assert [record.positive for record in whole] == [("a,b",), ("a",)]


def test_columns_as_asked(read: ReadT) -> None:
    text = "x,y,z\nlong long text,b,c\nlonger text,d,e\n"
    named = read(text, "data.csv", text_column="y", label_column="z")
    assert pair(named) == [("b", ("c",)), ("d", ("e",))]
    numbered = read(text, "data.csv", text_column="3", label_column="1", use_header=True)
    assert pair(numbered)[0] == ("c", ("long long text",))
    headless = read(text, "data.csv", text_column="1", label_column="2", use_header=False)
    assert pair(headless)[0] == ("x", ("y",))
    assert read(text, "data.csv", label_column="none")[0].cats is None
    assert read(text, "data.csv", task="text")[0].cats is None


def test_other_separator(read: ReadT) -> None:
    assert pair(read("It rains.|bad\nSun, at last|good\n", "data.csv", sep="pipe")) == GOOD


def test_long_fields_leave_the_csv_module_as_it_was(read: ReadT) -> None:
    before = csv.field_size_limit()
    (record,) = read(f"{'a' * (before + 1)},x\n", "data.csv")
    assert len(record.text) == before + 1
    assert csv.field_size_limit() == before


def test_lines_are_counted_as_an_editor_does(read: ReadT) -> None:
    records = read('text,label\n"a\nb",x\n\nc,y\n', "data.csv")
    assert [record.line for record in records] == [2, 5]


@pytest.mark.parametrize(
    ("name", "text", "settings", "message"),
    [
        ("d.csv", "text,label\na,b,c\n", {}, "line 2: expected 2 columns .* got 3"),
        ("d.tsv", "a\tb\nc\n", {}, "line 2: expected 2 columns .* got 1"),
        ("d.csv", 'text,label\n"a,b\nc,d\n', {}, "line 2: expected well-formed quotes"),
        ("d.csv", 'text,label\nx,y\n"a" b,c\n', {}, "line 3: expected well-formed quotes"),
        ("d.csv", "text,label\na,b\n", {"label_column": "no"}, "column 'no', .* are text, label"),
        ("d.csv", "a,b\nc,d\n", {"text_column": "3"}, "column '3', .* are 2 without names"),
        ("d.csv", "text,x\n" + "".join(f"t,{i}\n" for i in range(30)), {}, "holds the label"),
        ("d.csv", "text\na\n", {}, "cannot tell which column holds the label"),
        ("d.csv", "a,x\nb,x\n", {"task": "ner"}, "expected spans for the task 'ner'"),
        ("d.csv", "text,label\n", {}, "has none"),
        ("d.tsv", "a\t1\nb\t2\n", {"labels": ("x", "y")}, "line 2: expected a label .* '2'"),
        ("d.tsv", "a\tx\nb\t\n", {"task": "textcat"}, "line 2: expected exactly one label"),
    ],
)
def test_bad_files_are_named(
    read: ReadT, name: str, text: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=rf"{name}.*{message}"):
        read(text, name, **settings)
