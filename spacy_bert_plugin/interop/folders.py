"""Output folders: written whole, and never over something else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import CheckpointError, Errors
from ..training.folders import replace_folder


@contextmanager
def write_new(path: Path) -> Iterator[Path]:
    """Write a folder that does not exist yet, all of it or nothing.

    YIELDS (Path): Where to write.
    RAISES (CheckpointError): There is something already.
    """
    check_new(path)
    with replace_folder(path) as staged:
        yield staged


def check_new(path: Path) -> None:
    """RAISES (CheckpointError): The path is taken, by more than an empty folder."""
    is_free = not path.exists() or (path.is_dir() and not any(path.iterdir()))
    if not is_free or path.is_symlink():
        raise CheckpointError(Errors.SB752.format(path=path))
