"""A file -> records: find the format, decode the bytes, call the reader."""

import json
import re
from pathlib import Path

from ...errors import DataError, Errors
from .conll import find_tag_column, read_conll, split_rows
from .jsonl import read_jsonl
from .options import FormatOptions
from .record import Record
from .squad import read_squad
from .table import read_table

SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".conll": "conll",
    ".iob": "conll",
    ".iob2": "conll",
    ".bio": "conll",
    ".bilou": "conll",
    ".conllu": "conll",
}
N_SNIFFED = 200


def read_records(path: Path, options: FormatOptions) -> list[Record]:
    """Read a data file.

    path (Path): The file.
    options (FormatOptions): How to read it.
    RETURNS (list): One record for each row or sentence, in order, empty texts included.
    RAISES (DataError): the file is missing, empty or has a bad row; it names file and line.
    """
    text = read_text(path, encoding=options.encoding)
    if not text.strip():
        raise DataError(Errors.SB603.format(path=path))
    kind = options.format if options.format != "auto" else detect_format(path, text)
    if kind == "jsonl":
        records = read_jsonl(path, text, options)
    elif kind == "conll":
        records = read_conll(path, text, options)
    elif kind == "squad":
        questions = read_squad(path, text)
        records = [
            Record(path=path, line=number, text=question.context, question=question)
            for number, question in enumerate(questions, start=1)
        ]
    else:
        records = read_table(path, text, options, is_csv=kind == "csv")
    if not records:
        raise DataError(Errors.SB603.format(path=path))
    _check_task(path, records, options)
    return records


def _check_task(path: Path, records: list[Record], options: FormatOptions) -> None:
    """Check that there is something to learn for the task that was asked for."""
    wanted = {
        "spans": options.wants_spans and all(record.spans is None for record in records),
        "labels": options.wants_cats and all(record.cats is None for record in records),
    }
    lacking = [what for what, is_lacking in wanted.items() if is_lacking]
    if lacking and options.task != "auto":
        expected = " and ".join(lacking)
        raise DataError(Errors.SB605.format(path=path, expected=expected, task=options.task))


def read_text(path: Path, *, encoding: str = "utf-8") -> str:
    """Read a whole file as text; an optional byte order mark is dropped.

    RAISES (DataError): there is no such file, or a line is in another encoding.
    """
    if not path.is_file():
        raise DataError(Errors.SB601.format(path=path, cwd=Path.cwd()))
    data = path.read_bytes()
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        got = data[error.start : error.end].hex(" ")
        raise DataError(
            Errors.SB602.format(path=path, line=line, encoding=encoding, got=got)
        ) from error


def detect_format(path: Path, text: str) -> str:
    """Tell the format of a file from its name, and where that is open, from its first lines.

    A `.tsv` can be a table or sentences of tagged words; a column of tags decides.
    RAISES (DataError): nothing fits.
    """
    known = SUFFIXES.get(path.suffix.lower())
    if known is not None:
        return known
    if text.lstrip().startswith("{"):
        is_squad = path.suffix.lower() == ".json" and '"paragraphs"' in text
        return "squad" if is_squad else "jsonl"
    head = re.split(r"\r?\n", text, maxsplit=N_SNIFFED)[:N_SNIFFED]
    rows, _ = split_rows(head)
    if find_tag_column([row.cells for row in rows]) is not None:
        return "conll"
    for char, kind in (("\t", "tsv"), (",", "csv")):
        if path.suffix.lower() == f".{kind}" or any(char in line for line in head):
            return kind
    raise DataError(Errors.SB604.format(path=path, got=head[0][:80]))


def read_label_names(path: Path, *, encoding: str = "utf-8") -> tuple[str, ...]:
    """Read a list of labels: one a line, or a JSON list.

    RETURNS (tuple): The labels in their order, which numbers in data files refer to.
    RAISES (DataError): no such file, no label, or a label twice.
    """
    text = read_text(path, encoding=encoding)
    names = [line.strip() for line in text.splitlines()]
    if text.lstrip().startswith("["):
        try:
            names = [str(name).strip() for name in json.loads(text)]
        except ValueError as error:
            line = getattr(error, "lineno", 1)
            raise DataError(Errors.SB621.format(path=path, line=line, got=error)) from error
    names = [name for name in names if name]
    if not names:
        raise DataError(Errors.SB603.format(path=path))
    for i, name in enumerate(names):
        if name in names[:i]:
            raise DataError(Errors.SB645.format(path=path, got=name))
    return tuple(names)
