"""Lines of files, decoded one by one, so that a message can name the line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError, Errors


class Line(NamedTuple):
    """A line of a file.

    number: From 1.
    text: Without its end.
    """

    number: int
    text: str


def read_lines(path: Path) -> Iterator[Line]:
    """Read a text file line by line.

    path: A file in UTF-8, with or without a byte order mark.
    YIELDS: Every line, blank ones too.
    RAISES (DataError): Bytes are not UTF-8. The message names the line.
    """
    with open(path, "rb") as stream:
        for number, raw in enumerate(stream, start=1):
            try:
                text = raw.decode("utf8")
            except UnicodeDecodeError as error:
                got = raw[error.start : error.start + 8]
                raise DataError(
                    Errors.SB803.format(path=path, line=number, byte=error.start, got=got)
                ) from None
            yield Line(number, text.rstrip("\r\n").removeprefix("\ufeff"))


def read_json_texts(path: Path, *, key: str) -> Iterator[Line]:
    """Read the texts of a jsonl file.

    path: One object a line; blank lines are skipped.
    key: Key of the text.
    YIELDS: The text of each object, which may have line ends of its own.
    RAISES (DataError): A line has no such object, or its text is not valid Unicode.
    """
    for line in read_lines(path):
        if not line.text.strip():
            continue
        problem, text = "", None
        try:
            row = json.loads(line.text)
            text = row.get(key) if isinstance(row, dict) else None
            got = f"the keys {sorted(row)[:6]}" if isinstance(row, dict) else type(row).__name__
            problem = "" if isinstance(text, str) else got
            if isinstance(text, str):
                text.encode("utf8")
        except UnicodeEncodeError:
            problem = "half of a surrogate pair, which is no character"
        except (ValueError, RecursionError) as error:
            problem = str(error)
        if problem or not isinstance(text, str):
            raise DataError(Errors.SB804.format(path=path, line=line.number, key=key, got=problem))
        yield Line(line.number, text)
