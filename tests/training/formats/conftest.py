"""Data files made on the spot."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_bert_plugin.training.formats import FormatOptions, Record, read_records

ReadT = Callable[..., list[Record]]


@pytest.fixture
def read(tmp_path: Path) -> ReadT:
    """Write a text to a file of a name, and read it."""

    def write_and_read(text: str, name: str = "data.conll", **settings: Any) -> list[Record]:
        path = tmp_path / name
        path.write_bytes(text.encode("utf-8"))
        return read_records(path, FormatOptions(**settings))

    return write_and_read


@pytest.fixture(scope="session")
def nlp() -> Any:
    return spacy.blank("en")


@pytest.fixture(scope="session")
def cut() -> Callable[[Record], list[tuple[str, str]]]:
    """Get the labelled texts of a record."""

    def cut_spans(record: Record) -> list[tuple[str, str]]:
        return [(record.text[span.start : span.end], span.label) for span in record.spans or ()]

    return cut_spans
