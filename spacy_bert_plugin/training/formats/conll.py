"""Sentences as columns: one word a line with its tag, a blank line between sentences."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ...errors import DataError, Errors
from .options import FormatOptions
from .record import Record
from .tags import TAG, decode_tags, take_first_tag
from .words import align_words, join_words

COMMENT = re.compile(r"#\s+[\w.:-]+( [\w.:-]+)*\s*=")
TEXT_COMMENT = re.compile(r"#\s*text\s*=\s?(.*)")
WORD_ID = re.compile(r"\d+")
# CoNLL-U: words written as one ("3-4") and words left unsaid ("5.1") are no rows of their own
RANGE_ID = re.compile(r"\d+[-.]\d+")
DOC_START = "-DOCSTART-"
MIN_TAG_SHARE = 0.9


class Row(NamedTuple):
    """One word: the line it stands on, the number of its sentence, and its cells."""

    line: int
    sentence: int
    cells: list[str]


def read_conll(path: Path, text: str, options: FormatOptions) -> list[Record]:
    """Read tagged words: CoNLL-2003, IOB1, IOB2, BILUO, BIOES; tabs or spaces between columns.

    Of tags joined by commas the first counts. The tag `-` means "not annotated".
    RAISES (DataError): a row with too few or too many columns, no word, or no tag.
    """
    rows, raw_texts = split_rows(text.split("\n"))
    if not rows:
        return []
    n_columns = len(rows[0].cells)
    for row in rows:
        if len(row.cells) != n_columns:
            raise DataError(
                Errors.SB611.format(
                    path=path,
                    line=row.line,
                    expected=n_columns,
                    first=rows[0].line,
                    got=len(row.cells),
                )
            )
    tag_column = _pick_tag_column(path, rows, options)
    word_column = _pick_word_column(rows, tag_column, options)
    sentences: dict[int, list[Row]] = {}
    for row in rows:
        if not (word_column > 0 and RANGE_ID.fullmatch(row.cells[0])):
            sentences.setdefault(row.sentence, []).append(row)
    reader = _SentenceReader(path, word_column, tag_column, options)
    return [reader.read(group, raw_texts.get(i)) for i, group in sentences.items()]


def split_rows(lines: Iterable[str]) -> tuple[list[Row], dict[int, str]]:
    """Split lines into rows and take out comments, blank lines and `-DOCSTART-`.

    A word may begin with `#`: a comment is a line that has no second column, or reads
    `# key = value`.
    RETURNS (tuple): The rows, and the `# text =` comment of each sentence that has one.
    """
    numbered = [(n, line.rstrip("\r")) for n, line in enumerate(lines, start=1)]
    sep = "\t" if any("\t" in line.strip() for _, line in numbered if line[:1] != "#") else None
    rows: list[Row] = []
    raw_texts: dict[int, str] = {}
    n_sentences, n_columns = 0, 0
    for number, line in numbered:
        if not line.strip() or line.startswith(DOC_START):
            n_sentences += 1
            continue
        cells = line.split(sep)
        if line[0] == "#" and _is_comment(line, cells, n_columns):
            raw = TEXT_COMMENT.match(line)
            if raw:
                raw_texts[n_sentences] = raw.group(1)
            continue
        n_columns = n_columns or len(cells)
        rows.append(Row(number, n_sentences, cells))
    return rows, raw_texts


def _is_comment(line: str, cells: list[str], n_columns: int) -> bool:
    if len(cells) == 1 or COMMENT.match(line):
        return True
    # Between spaces a comment can look like a row; then its last word is hardly a tag.
    return "\t" not in line and (
        TAG.fullmatch(cells[-1]) is None or len(cells) != (n_columns or len(cells))
    )


def find_tag_column(rows: Sequence[list[str]]) -> int | None:
    """Find the column of tags: the last one in which nearly every cell is one.

    RETURNS (int): Its index, or None. A column of dashes alone is no column of tags.
    """
    n_columns = min((len(cells) for cells in rows), default=0)
    for column in range(n_columns - 1, 0, -1):
        values = [cells[column] for cells in rows]
        tags = [value for value in values if TAG.fullmatch(take_first_tag(value))]
        if len(tags) >= MIN_TAG_SHARE * len(values) and set(tags) - {"-", "_"}:
            return column
    return None


def _pick_tag_column(path: Path, rows: list[Row], options: FormatOptions) -> int:
    n_columns = len(rows[0].cells)
    if options.tag_column is None:
        found = find_tag_column([row.cells for row in rows])
    else:
        found = _find_index(options.tag_column, n_columns)
    if found is None:
        raise DataError(Errors.SB612.format(path=path, got=n_columns))
    return found


def _pick_word_column(rows: list[Row], tag_column: int, options: FormatOptions) -> int:
    n_columns = len(rows[0].cells)
    if options.word_column is not None:
        found = _find_index(options.word_column, n_columns)
        return 0 if found is None else found
    firsts = [row.cells[0] for row in rows]
    is_id = all(WORD_ID.fullmatch(cell) or RANGE_ID.fullmatch(cell) for cell in firsts)
    return 1 if is_id and n_columns > 2 and tag_column != 1 else 0


def _find_index(number: int, n_columns: int) -> int | None:
    index = number - 1 if number > 0 else n_columns + number
    return index if 0 <= index < n_columns else None


class _SentenceReader:
    """Makes records of the rows of sentences, once the columns are known."""

    def __init__(
        self, path: Path, word_column: int, tag_column: int, options: FormatOptions
    ) -> None:
        self.path = path
        self.word_column = word_column
        self.tag_column = tag_column
        self.options = options

    def read(self, rows: list[Row], raw_text: str | None) -> Record:
        words = tuple(self._read_word(row) for row in rows)
        spaces = self._find_spaces(words, raw_text, line=rows[0].line)
        text, offsets = join_words(words, spaces)
        spans, missing = decode_tags([self._read_tag(row) for row in rows], offsets)
        return Record(
            path=self.path,
            line=rows[0].line,
            text=text,
            words=words,
            spaces=spaces,
            spans=spans,
            missing=missing,
            is_text_unmatched=spaces is None and raw_text is not None and self._uses_text,
        )

    @property
    def _uses_text(self) -> bool:
        return not (self.options.gold_tokens or self.options.no_spaces)

    def _find_spaces(
        self, words: tuple[str, ...], raw_text: str | None, *, line: int
    ) -> tuple[bool, ...] | None:
        if self.options.gold_tokens:
            return None
        if self.options.no_spaces:
            return (False,) * len(words)
        spaces = align_words(words, raw_text) if raw_text is not None else None
        if raw_text is not None and spaces is None and self.options.align == "strict":
            raise DataError(Errors.SB615.format(path=self.path, line=line))
        return spaces

    def _read_word(self, row: Row) -> str:
        word = row.cells[self.word_column]
        if not word:
            raise DataError(
                Errors.SB614.format(path=self.path, line=row.line, column=self.word_column + 1)
            )
        return word

    def _read_tag(self, row: Row) -> str:
        tag = take_first_tag(row.cells[self.tag_column])
        if TAG.fullmatch(tag) is None:
            raise DataError(Errors.SB613.format(path=self.path, line=row.line, got=tag))
        return tag
