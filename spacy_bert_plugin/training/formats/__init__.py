"""Readers of data files: rows of a file -> records -> spaCy Docs.

A reader turns a file into `Record`s, plain data that knows its file and line. `build_docs`
turns records into Docs, so that every format gets the same alignment, checks and summary.
"""

from .build import DocBuilder, build_docs, find_categories
from .options import FormatOptions
from .read import read_label_names, read_records
from .record import Record, TextSpan
from .split import split_records
from .summary import Summary
from .write import write_docs

__all__ = [
    "DocBuilder",
    "FormatOptions",
    "Record",
    "Summary",
    "TextSpan",
    "build_docs",
    "find_categories",
    "read_label_names",
    "read_records",
    "split_records",
    "write_docs",
]
