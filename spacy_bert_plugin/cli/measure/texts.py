"""Texts to measure on, from files of any kind."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

from ...errors import DataError, Errors
from ...training.formats.read import read_text

JSON_LINES = (".jsonl", ".ndjson")


def read_texts(paths: Sequence[Path], *, n_texts: int = 0, seed: int = 0) -> list[str]:
    """Read texts, those of white space alone left out.

    paths (Sequence[Path]): `.jsonl` (objects with "text"), `.spacy` (Docs), anything else: a
        text on each line.
    n_texts (int): How many to draw from all of them; 0 or more than there are: all.
    seed (int): Of the drawing.
    RETURNS (list[str]): In the order of the files, or in that of the draw.
    RAISES (DataError): A file is missing, empty or damaged; the message names file and line.
    """
    texts = [text for path in paths for text in _read_file(path)]
    if 0 < n_texts < len(texts):
        return random.Random(seed).sample(texts, n_texts)
    return texts


def _read_file(path: Path) -> list[str]:
    if path.suffix == ".spacy":
        texts = _read_docs(path)
    elif path.suffix in JSON_LINES:
        # Only line feeds end a line: a text may hold what splitlines() cuts at.
        lines = enumerate(read_text(path).split("\n"), start=1)
        texts = [_read_row(line, path, number) for number, line in lines if line.strip()]
    else:
        texts = read_text(path).splitlines()
    texts = [text for text in texts if text.strip()]
    if not texts:
        raise DataError(Errors.SB700.format(path=path))
    return texts


def _read_row(line: str, path: Path, number: int) -> str:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        got = f"it is no JSON ({error})"
        raise DataError(Errors.SB701.format(path=path, line=number, got=got)) from error
    text = row.get("text") if isinstance(row, dict) else None
    if not isinstance(text, str):
        got = f"it has no text: {line.strip()[:60]}"
        raise DataError(Errors.SB701.format(path=path, line=number, got=got))
    try:
        text.encode("utf8")
    except UnicodeEncodeError as error:
        got = f"its text has half of a surrogate pair at character {error.start}"
        raise DataError(Errors.SB701.format(path=path, line=number, got=got)) from error
    return text


def _read_docs(path: Path) -> list[str]:
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    if not path.is_file():
        raise DataError(Errors.SB601.format(path=path, cwd=Path.cwd()))
    vocab = Vocab()
    try:
        return [doc.text for doc in DocBin().from_disk(path).get_docs(vocab)]
    # A damaged file fails in zlib, in msgpack or in spaCy, each with an error of its own.
    except Exception as error:
        raise DataError(Errors.SB702.format(path=path, error=error)) from error
