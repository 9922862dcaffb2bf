"""Folders of a run that are replaced as a whole: the old one or the new one, never a mixture.

    DIR/.model-best.new-3f2a91c0b7d4    1. written and synced beside the target
    DIR/model-best                      2. renamed to .model-best.old-3f2a91c0b7d4
    DIR/.model-best.new-3f2a91c0b7d4    3. renamed to model-best
    DIR/.model-best.old-3f2a91c0b7d4    4. removed

A process killed between 2 and 3 leaves the old folder under its hidden name: `recover_folder`
puts it back. The same names and the same rules as in `checkpoints.atomic`, for whole trees.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..checkpoints.atomic import find_folder, list_leftovers, swap_folders, sync_path


@contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """Write a folder beside the one that it will replace, then swap them.

    path (Path): The folder. It may exist.
    YIELDS (Path): Where to write. If the block raises, everything stays as it was.
    """
    token = secrets.token_hex(6)
    staged = path.with_name(f".{path.name}.new-{token}")
    backup = path.with_name(f".{path.name}.old-{token}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield staged
        _sync_tree(staged)
        swap_folders(staged, path, backup)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def recover_folder(path: Path) -> None:
    """Undo a swap that was killed half-way, and clear away what any killed save has left.

    path (Path): A folder that `replace_folder` writes. It need not exist.
    """
    found = find_folder(path)
    if found != path:
        os.replace(found, path)
    for left in list_leftovers(path):
        shutil.rmtree(left, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Remove a folder with all that it holds, also what killed saves have left of it."""
    shutil.rmtree(path, ignore_errors=True)
    for left in list_leftovers(path):
        shutil.rmtree(left, ignore_errors=True)


def _sync_tree(path: Path) -> None:
    for folder, _, names in os.walk(path):
        for name in names:
            sync_path(Path(folder) / name)
        sync_path(Path(folder))
