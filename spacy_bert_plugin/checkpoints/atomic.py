"""Folders that are replaced as a whole: the old files or the new ones, never a third state.

    parent/.NAME.new-3f2a91    1. written and synced beside the target
    parent/NAME                2. swapped with it in one call, and the old one removed

Where the system cannot swap, with two renames:

    parent/NAME                2. renamed to .NAME.old-3f2a91
    parent/.NAME.new-3f2a91    3. renamed to NAME; on an error .NAME.old-3f2a91 goes back
    parent/.NAME.old-3f2a91    4. removed

There a crash between 2 and 3 leaves no NAME, but all old files in .NAME.old-3f2a91: `find_folder`
gives that one to readers, and the next save clears it away.
"""

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import CheckpointError, Errors
from .exchange import exchange_paths

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK_SECONDS = 60.0
_POLL_SECONDS = 0.05
# What a checkpoint folder may hold. A folder with anything else is never replaced.
_PARTS = re.compile(
    r"(config|generation_config|manifest|tokenizer|tokenizer_config|special_tokens_map|"
    r"added_tokens|vocab|model\.safetensors\.index)\.json|model(-\d+-of-\d+)?\.safetensors|"
    r"(vocab|merges)\.txt|\.DS_Store|\.gitattributes",
    re.ASCII,
)


def write_folder(files: Mapping[str, bytes], path: Path) -> None:
    """Write files as the whole content of a folder, at once or not at all.

    files (Mapping[str, bytes]): What each file holds, by name.
    path (Path): The folder, which may exist. Where it is a link, the folder that it leads to.
    RAISES (CheckpointError): It holds something that is no part of a checkpoint, or cannot be
        written. What was there is still there, and nothing else is left behind.
    """
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with lock_folder(target.parent) as is_locked:
            check_replaceable(target)
            if is_locked:
                remove_leftovers(target)
            _replace(files, target)
    except OSError as error:
        raise CheckpointError(Errors.SB350.format(path=path, error=error)) from error


def find_folder(path: Path) -> Path:
    """Find the folder that a reader should open.

    path (Path): Where the folder was saved.
    RETURNS (Path): The same path; or, after a crash in the middle of a save, the old folder
        beside it. Nothing is changed on disk.
    """
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        return path
    for _ in range(4):  # a save in another process is between its two renames for moments only
        if target.exists():
            return path
        kept = [p for p in list_leftovers(target) if ".old-" in p.name and p.is_dir()]
        if not kept:
            return path
        time.sleep(_POLL_SECONDS)
    return max(kept, key=_get_time)


def check_replaceable(path: Path) -> None:
    """Check that replacing a folder loses nothing but a checkpoint.

    path (Path): The folder. It need not exist.
    RAISES (CheckpointError): It is a file, or holds something that is no part of a checkpoint.
    """
    if not path.exists():
        return
    if not path.is_dir():
        raise CheckpointError(Errors.SB351.format(path=path, got="a file"))
    with os.scandir(path) as found:
        for entry in found:
            if entry.is_dir() or not _PARTS.fullmatch(entry.name):
                raise CheckpointError(Errors.SB351.format(path=path, got=f"'{entry.name}'"))


def _replace(files: Mapping[str, bytes], target: Path) -> None:
    token = secrets.token_hex(6)
    staged = target.with_name(f".{target.name}.new-{token}")
    try:
        # Not tempfile.mkdtemp: the folder is for everybody whom the umask lets in.
        os.mkdir(staged)
        for name, data in files.items():
            _write_file(staged / name, data)
        sync_path(staged)
        swap_folders(staged, target, target.with_name(f".{target.name}.old-{token}"))
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def swap_folders(staged: Path, target: Path, backup: Path) -> None:
    """Put a folder in the place of another, if there is one; on an error the other goes back.

    staged (Path): The new folder, written and synced. Afterwards the old one may lie there, for the
        caller to remove.
    target (Path): Where it belongs. No link.
    backup (Path): Where the old one lies in between, if it takes two renames.
    """
    if not (target.exists() and exchange_paths(staged, target)):
        if target.exists():
            os.replace(target, backup)
        try:
            os.replace(staged, target)
        except BaseException:
            if backup.exists():
                # If this fails as well, `find_folder` still finds the backup.
                with suppress(OSError):
                    os.replace(backup, target)
            raise
    try:
        sync_path(target.parent)
    finally:
        shutil.rmtree(backup, ignore_errors=True)


def _write_file(path: Path, data: bytes) -> None:
    with open(path, "xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def sync_path(path: Path) -> None:
    """Make a file, or the names in a folder, survive a loss of power.

    Not on Windows, where folders cannot be opened, and files only for writing.
    """
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def list_leftovers(target: Path) -> list[Path]:
    """List what killed saves of a folder have left beside it."""
    pattern = re.compile(rf"\.{re.escape(target.name)}\.(new|old)-[0-9a-f]{{12}}", re.ASCII)
    with suppress(OSError), os.scandir(target.parent) as found:
        return [Path(entry.path) for entry in found if pattern.fullmatch(entry.name)]
    return []


def remove_leftovers(target: Path) -> None:
    """Clear away what an earlier crash left. Only under the lock: nobody else is writing."""
    for path in sorted(list_leftovers(target), key=_get_time, reverse=True):
        if ".old-" in path.name and not target.exists():
            os.replace(path, target)  # until the new files are in place, these are the model
        else:
            shutil.rmtree(path, ignore_errors=True)


def _get_time(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


@contextmanager
def lock_folder(folder: Path) -> Iterator[bool]:
    """Keep other saves out of a folder, where the system can. YIELDS (bool): Whether it could."""
    if fcntl is None:
        yield False
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield _wait_for_lock(descriptor)
    finally:
        os.close(descriptor)  # this lets go of the lock, too


def _wait_for_lock(descriptor: int) -> bool:
    deadline = time.monotonic() + LOCK_SECONDS
    while time.monotonic() < deadline:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_POLL_SECONDS)
        except OSError:  # some network file systems have no locks
            return False
        else:
            return True
    return False
