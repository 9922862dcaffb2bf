"""Docs -> `.spacy` files, all of them or none."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import uuid4

from spacy.tokens import Doc, DocBin


def write_docs(files: Mapping[Path, Iterable[Doc]]) -> None:
    """Write Docs to `.spacy` files.

    Every file is complete beside its place before the first is moved there, so an error leaves
    old files as they were.

    files (Mapping): Path -> the Docs to store there. Folders are made where they are missing.
    RAISES (OSError): the disk is full or a folder cannot be written.
    """
    written: list[tuple[Path, Path]] = []
    try:
        for path, docs in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            data = DocBin(docs=docs).to_bytes()
            # Not mkstemp: it lets nobody else read, a data file follows the user's own settings
            temp = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
            written.append((temp, path))
            with temp.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for temp, path in written:
            os.replace(temp, path)
    finally:
        for temp, _ in written:
            temp.unlink(missing_ok=True)
