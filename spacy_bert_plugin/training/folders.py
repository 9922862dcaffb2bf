"""Folders of a run that are replaced as a whole: the old one or the new one, never a mixture.

    DIR/.model-best.new-3f2a91c0b7d4    1. written and synced beside the target
    DIR/model-best                      2. swapped with it, and the old one removed

Where the system cannot swap two names at once, a process killed between two renames leaves the old
folder under a hidden name: `recover_folder` puts it back. The same names and the same rules as in
`checkpoints.atomic`, for whole trees.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from ..checkpoints.atomic import find_folder, list_leftovers, swap_folders, sync_path
from ..errors import BertPluginError, CheckpointError, Errors


@contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """Write a folder beside the one that it will replace, then swap them.

    path (Path): The folder. It may exist. Where it is a link, the folder that it leads to.
    YIELDS (Path): Where to write. If the block raises, everything stays as it was.
    """
    path = Path(os.path.realpath(path))
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


@contextmanager
def explain_disk(path: Path) -> Iterator[None]:
    """Let what the system refuses to write end in an error that says where.

    path (Path): What is written in the block.
    RAISES (CheckpointError): Instead of errors of the system, and of safetensors, which words them
        in its own way.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        if isinstance(error, BertPluginError):
            raise
        raise CheckpointError(Errors.SB434.format(path=path, error=error)) from error


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
