"""Folders are replaced at once or not at all, whichever call fails."""

import builtins
import errno
import itertools
import os
import shutil
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spacy_bert_plugin.checkpoints import atomic
from spacy_bert_plugin.checkpoints.atomic import find_folder, write_folder
from spacy_bert_plugin.checkpoints.exchange import exchange_paths
from spacy_bert_plugin.errors import CheckpointError

OLD = {"config.json": b"old", "model.safetensors": b"old weights", "vocab.txt": b"gone later"}
NEW = {"config.json": b"new", "model.safetensors": b"new weights", "tokenizer.json": b"{}"}


def read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class FailAt:
    """Lets the n-th call of some functions fail, and every one after it if it is to last."""

    def __init__(self, n: int, *, error: BaseException, lasts: bool = False) -> None:
        self.n, self.error, self.lasts, self.count = n, error, lasts, 0

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self.count == self.n or (self.lasts and self.count > self.n):
                raise self.error
            return function(*args, **kwargs)

        return call

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for owner, name in ((os, "replace"), (os, "fsync"), (os, "mkdir"), (builtins, "open")):
            monkeypatch.setattr(owner, name, self.wrap(getattr(owner, name)))


@pytest.mark.parametrize("files", [{}, {"config.json": b""}, NEW])
def test_writes_a_new_folder(tmp_path: Path, files: dict[str, bytes]) -> None:
    write_folder(files, tmp_path / "a" / "b")
    assert read(tmp_path / "a" / "b") == files
    assert os.listdir(tmp_path / "a") == ["b"]


@pytest.mark.parametrize("before", [None, {}, OLD, NEW])
def test_replaces_the_whole_folder(tmp_path: Path, before: dict[str, bytes] | None) -> None:
    target = tmp_path / "model"
    if before is not None:
        write_folder(before, target)
    write_folder(NEW, target)
    assert read(target) == NEW
    assert os.listdir(tmp_path) == ["model"]


@pytest.fixture
def no_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that takes two renames to swap folders."""
    monkeypatch.setattr(atomic, "exchange_paths", lambda one, other: False)


@pytest.mark.parametrize("can_swap", [False, True])
@pytest.mark.parametrize("has_old", [False, True])
@pytest.mark.parametrize("lasts", [False, True])
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt("stopped")]
)
def test_whichever_call_fails(
    tmp_path: Path,
    error: BaseException,
    lasts: bool,
    has_old: bool,
    can_swap: bool,
    request: pytest.FixtureRequest,
) -> None:
    if not can_swap:
        request.getfixturevalue("no_exchange")
    seen = set()
    for n in itertools.count(1):
        target = tmp_path / str(n) / "model"
        target.parent.mkdir()
        if has_old:
            write_folder(OLD, target)
        fault = FailAt(n, error=error, lasts=lasts)
        with pytest.MonkeyPatch.context() as patch:
            fault.patch(patch)
            try:
                write_folder(NEW, target)
                failed = False
            except (CheckpointError, KeyboardInterrupt):
                failed = True
        found = find_folder(target)
        state = read(found) if found.exists() else None
        assert state in (OLD if has_old else None, NEW), f"call {n}"
        seen.add(failed and state != NEW)
        # With a fault that lasts, the way back may fail too: then the old folder lies beside.
        leftovers = {p.name for p in target.parent.iterdir()} - {"model", found.name}
        assert not leftovers, f"call {n}"
        write_folder(NEW, target)  # the next save works, and clears away what is left
        assert read(target) == NEW
        assert os.listdir(target.parent) == ["model"]
        if fault.count < n:
            assert not failed
            break
    assert seen == {True, False}


def test_error_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FailAt(3, error=OSError(errno.ENOSPC, "No space left on device")).patch(monkeypatch)
    with pytest.raises(CheckpointError, match=r"model.*No space left.*Free space"):
        write_folder(NEW, tmp_path / "model")


@pytest.mark.usefixtures("no_exchange")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_crash_between_the_renames(tmp_path: Path) -> None:
    target = tmp_path / "model"
    write_folder(OLD, target)
    assert os.waitstatus_to_exitcode(save_and_crash(target)) == 9
    assert not target.exists()
    assert read(find_folder(target)) == OLD
    write_folder(NEW, target)
    assert read(find_folder(target)) == NEW
    assert os.listdir(tmp_path) == ["model"]


def save_and_crash(target: Path) -> int:
    """Save in another process, which dies after the first of the two renames."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # this process may have threads
        child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    replace, n_calls = os.replace, itertools.count(1)

    def crash(*args: Any) -> None:
        if next(n_calls) == 2:
            os._exit(9)
        replace(*args)

    pytest.MonkeyPatch().setattr(os, "replace", crash)
    try:
        write_folder(NEW, target)
    finally:
        os._exit(1)


@pytest.mark.skipif(sys.platform != "linux", reason="no such call here")
def test_both_folders_are_there_at_every_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(OLD, tmp_path / "model")
    swapped = []

    def swap(one: Path, other: Path) -> bool:
        swapped.append((read(one), read(other)))
        done = exchange_paths(one, other)
        swapped.append((read(one), read(other)))
        return done

    monkeypatch.setattr(atomic, "exchange_paths", swap)
    write_folder(NEW, tmp_path / "model")
    assert swapped == [(NEW, OLD), (OLD, NEW)]
    assert os.listdir(tmp_path) == ["model"]


def test_paths_that_cannot_be_swapped_stay_as_they_are(tmp_path: Path) -> None:
    write_folder(OLD, tmp_path / "model")
    assert not exchange_paths(tmp_path / "model", tmp_path / "none")
    assert read(tmp_path / "model") == OLD


def test_nothing_is_found_where_nothing_was_saved(tmp_path: Path) -> None:
    assert find_folder(tmp_path / "a") == tmp_path / "a"
    assert find_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    (tmp_path / ".a.old-0123456789ab").write_text("no folder")
    (tmp_path / ".a.new-0123456789ab").mkdir()
    (tmp_path / ".ab.old-0123456789ab").mkdir()
    assert find_folder(tmp_path / "a") == tmp_path / "a"


def test_the_newest_of_two_old_folders_is_found(tmp_path: Path) -> None:
    for token, age in (("0" * 12, 50), ("1" * 12, 10), ("2" * 12, 90)):
        folder = tmp_path / f".model.old-{token}"
        folder.mkdir()
        os.utime(folder, (10**9 - age, 10**9 - age))
    assert find_folder(tmp_path / "model").name == ".model.old-111111111111"


@pytest.mark.parametrize(
    "name", ["notes.md", "thesis.docx", "model.bin", ".env", "config.json.bak"]
)
def test_other_peoples_files_are_never_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / name).write_text("precious")
    with pytest.raises(CheckpointError, match=name):
        write_folder(NEW, tmp_path)
    assert read(tmp_path) == {"config.json": b"{}", name: b"precious"}


def test_folders_and_files_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "home" / "config.json").mkdir(parents=True)
    with pytest.raises(CheckpointError, match="config"):
        write_folder(NEW, tmp_path / "home")
    (tmp_path / "file").write_text("precious")
    with pytest.raises(CheckpointError, match="a file"):
        write_folder(NEW, tmp_path / "file")
    with pytest.raises(CheckpointError, match="could not be saved"):
        write_folder(NEW, tmp_path / "file" / "model")
    assert (tmp_path / "file").read_text() == "precious"


def test_links_keep_pointing_where_they_did(tmp_path: Path) -> None:
    write_folder(OLD, tmp_path / "disk" / "model")
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "model")
    write_folder(NEW, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert read(tmp_path / "disk" / "model") == NEW


def test_everybody_whom_the_umask_lets_in_may_read(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_folder(NEW, tmp_path / "model")
    finally:
        os.umask(before)
    assert (tmp_path / "model").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "model" / "config.json").stat().st_mode & 0o777 == 0o644


def test_many_saves_at_once(tmp_path: Path) -> None:
    target = tmp_path / "model"
    contents = [dict.fromkeys(NEW, b"%d" % i) for i in range(4)]
    write_folder(contents[0], target)
    errors: list[BaseException] = []

    def save(files: dict[str, bytes]) -> None:
        try:
            for _ in range(10):
                write_folder(files, target)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=save, args=(files,)) for files in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert read(target) in contents
    assert os.listdir(tmp_path) == ["model"]


def test_systems_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "fcntl", None)
    leftover = tmp_path / ".model.new-0123456789ab"
    leftover.mkdir()
    write_folder(NEW, tmp_path / "model")
    assert read(tmp_path / "model") == NEW
    assert leftover.exists()  # it may belong to a save that is running
    shutil.rmtree(leftover)


def test_a_lock_that_is_never_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "LOCK_SECONDS", 0.1)
    with atomic.lock_folder(tmp_path) as first, atomic.lock_folder(tmp_path) as second:
        assert (first, second) == (True, False)
