"""Tables: csv and tsv, with or without a row of column names."""

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from ...errors import DataError, Errors
from .labels import resolve_labels, split_labels
from .options import NO_COLUMN, FormatOptions
from .pairs import PAIR_NAMES, SCORE, SCORE_NAMES, check_pair, find_pair, read_score
from .record import Record

TEXT_NAMES = ("text", "sentence", "utterance", "query", "review", "content", "document")
LABEL_NAMES = ("label", "labels", "category", "intent", "class", "sentiment", "target", "topic")
MAX_FIELD = 2**31 - 1  # the csv module's own limit is 131,072 characters, less than a long text
MAX_LABEL_SHARE = 0.5
MIN_LABELS = 10  # in a few rows every label may be a new one


class Line(NamedTuple):
    """A row of cells and the line that it begins on."""

    number: int
    cells: list[str]


class Columns(NamedTuple):
    """Where texts and label stand. None: there is no such column."""

    text: int
    label: int | None
    second: int | None = None


def read_table(path: Path, text: str, options: FormatOptions, *, is_csv: bool) -> list[Record]:
    """Read a table of texts and labels.

    RAISES (DataError): a row with another number of columns, broken quotes, or no such column.
    """
    lines = read_lines(path, text, options, is_csv=is_csv)
    if not lines:
        return []
    names = _find_names(lines[0].cells, options)
    rows = lines[1:] if names is not None else lines
    columns = pick_columns(path, names, rows, options)
    shown = names or [f"column {number + 1}" for number in range(len(lines[0].cells))]
    return [_read_row(path, row, columns, shown, options) for row in rows]


def _read_row(
    path: Path, row: Line, columns: Columns, names: list[str], options: FormatOptions
) -> Record:
    cats = None
    if columns.second is not None:
        places = columns.text, columns.second
        texts = row.cells[places[0]], row.cells[places[1]]
        check_pair(texts, (names[places[0]], names[places[1]]), path=path, line=row.number)
    if columns.label is not None and options.wants_scores:
        name = names[columns.label]
        score = read_score(row.cells[columns.label], options, key=name, path=path, line=row.number)
        is_named = not name.startswith("column ") and name.lower() != "label"
        cats = {name if is_named else SCORE: score}
    elif columns.label is not None:
        labels = split_labels(row.cells[columns.label], options)
        cats = resolve_labels(labels, options, path=path, line=row.number)
    second = None if columns.second is None else row.cells[columns.second]
    return Record(
        path=path, line=row.number, text=row.cells[columns.text], second=second, cats=cats
    )


def read_lines(path: Path, text: str, options: FormatOptions, *, is_csv: bool) -> list[Line]:
    """Split a table into rows of equal length; blank lines are skipped.

    RAISES (DataError): a row has another length than the first, or quotes do not close.
    """
    sep = options.sep or _guess_separator(text, is_csv=is_csv)
    if options.quoting == "auto":
        is_quoted = is_csv or _needs_quotes(text, sep)
    else:
        is_quoted = options.quoting == "csv"
    lines: list[Line] = []
    for line in _parse(path, text, sep, is_quoted=is_quoted):
        if len(line.cells) != len((lines or [line])[0].cells):
            expected = len(lines[0].cells)
            raise DataError(
                Errors.SB631.format(
                    path=path, line=line.number, expected=expected, got=len(line.cells)
                )
            )
        lines.append(line)
    return lines


def _guess_separator(text: str, *, is_csv: bool) -> str:
    head = text.lstrip().partition("\n")[0]
    if not is_csv:
        return "\t"
    return max(",;\t", key=lambda char: (head.count(char) > 0, char == ","))


def _needs_quotes(text: str, sep: str) -> bool:
    """Tell a tsv written by a csv writer from one whose quotes are plain characters."""
    try:
        quoted = [line.cells for line in _parse(Path(), text, sep, is_quoted=True)]
    except DataError:
        return False
    needs = any(char in cell for cells in quoted for cell in cells for char in ('"', "\n", sep))
    plain = [line.cells for line in _parse(Path(), text, sep, is_quoted=False)]
    return needs and quoted != plain and len({len(cells) for cells in quoted}) == 1


def _parse(path: Path, text: str, sep: str, *, is_quoted: bool) -> Iterator[Line]:
    if not is_quoted:
        for number, raw in enumerate(text.split("\n"), start=1):
            if raw.strip():
                yield Line(number, raw.rstrip("\r").split(sep))
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sep, strict=True)
    first = 1
    with _wide_fields():
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise DataError(Errors.SB632.format(path=path, line=first, got=error)) from error
            if any(cell.strip() for cell in cells):
                yield Line(first, cells)
            first = reader.line_num + 1


@contextmanager
def _wide_fields() -> Iterator[None]:
    """Lift the limit of the csv module for a while: it holds for the whole process."""
    before = csv.field_size_limit(MAX_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _find_names(cells: list[str], options: FormatOptions) -> list[str] | None:
    """Take the first row as column names, if it is one."""
    names = [cell.strip() for cell in cells]
    if options.use_header is not None:
        return names if options.use_header else None
    wanted = {options.text_column, options.second_text_column, options.label_column} - {None}
    known = {*TEXT_NAMES, *LABEL_NAMES, *SCORE_NAMES, *chain.from_iterable(PAIR_NAMES)}
    is_header = any(name in wanted or name.lower() in known for name in names)
    return names if is_header else None


def pick_columns(
    path: Path, names: list[str] | None, rows: Sequence[Line], options: FormatOptions
) -> Columns:
    """Find the columns of text and label: as asked for, by name, or by what the cells are like.

    Without names, the text is the column with the most to read, the label the one with the
    fewest different cells (but more than one) out of those that repeat.
    RAISES (DataError): no such column, or nothing that looks like labels.
    """
    n_columns = len(names) if names is not None else len(rows[0].cells) if rows else 0
    shown = ", ".join(names) if names is not None else f"{n_columns} without names"
    text, second = _pick_texts(path, names, rows, options, shown)
    wants_label = options.wants_cats or options.wants_scores
    if not wants_label or options.label_column == NO_COLUMN:
        return Columns(text, None, second)
    label = _find_asked(path, options.label_column, names, n_columns, shown)
    if label is None:
        label = _find_named(names, SCORE_NAMES if options.wants_scores else LABEL_NAMES)
    if label is None and not options.wants_scores:
        label = _find_repeating(rows, n_columns, {text, second})
    if label is None or label in (text, second):
        raise DataError(Errors.SB634.format(path=path, what="label", got=shown))
    return Columns(text, label, second)


def _pick_texts(
    path: Path,
    names: list[str] | None,
    rows: Sequence[Line],
    options: FormatOptions,
    shown: str,
) -> tuple[int, int | None]:
    """Find the column of the text, and that of the second text where rows are pairs."""
    n_columns = len(names) if names is not None else len(rows[0].cells) if rows else 0
    pair = find_pair(names or (), options)
    if pair is None:
        if options.task == "pairs":
            raise DataError(Errors.SB856.format(path=path, got=shown))
        text = _find_asked(path, options.text_column, names, n_columns, shown)
        if text is None:
            text = _find_named(names, TEXT_NAMES)
        return (_find_longest(rows, n_columns) if text is None else text), None
    second = _find_asked(path, pair[1], names, n_columns, shown)
    first = _find_asked(path, pair[0], names, n_columns, shown)
    if first is None or second is None or first == second:
        raise DataError(Errors.SB856.format(path=path, got=shown))
    return first, second


def _find_asked(
    path: Path, wanted: str | None, names: list[str] | None, n_columns: int, shown: str
) -> int | None:
    if wanted is None:
        return None
    if names is not None and wanted in names:
        return names.index(wanted)
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= n_columns:
        return int(wanted) - 1
    raise DataError(Errors.SB633.format(path=path, wanted=wanted, got=shown))


def _find_named(names: list[str] | None, known: tuple[str, ...]) -> int | None:
    lowered = [name.lower() for name in names or []]
    return next((lowered.index(name) for name in known if name in lowered), None)


def _find_longest(rows: Sequence[Line], n_columns: int) -> int:
    # Every cell counts once: labels may be long, but they repeat
    sizes = [sum(map(len, {row.cells[i] for row in rows})) for i in range(n_columns)]
    return max(range(n_columns), key=sizes.__getitem__, default=0)


def _find_repeating(
    rows: Sequence[Line], n_columns: int, texts: Collection[int | None]
) -> int | None:
    found = []
    for i in range(n_columns):
        values = Counter(row.cells[i].strip() for row in rows)
        is_repeating = len(values) <= max(MIN_LABELS, MAX_LABEL_SHARE * len(rows))
        # A column that says the same in every row is no label, unless there is no other
        is_varied = len(values) > 1 or n_columns == 2 or len(rows) == 1
        if i not in texts and is_repeating and is_varied:
            found.append((len(values), i))
    return min(found)[1] if found else None
