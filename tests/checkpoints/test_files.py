"""Files of a checkpoint: each byte read once, and hashed on the way."""

import builtins
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.checkpoints import load_checkpoint
from spacy_bert_plugin.checkpoints.files import MemoryFiles, open_folder, open_memory
from spacy_bert_plugin.checkpoints.manifest import make_manifest
from spacy_bert_plugin.errors import CheckpointError, CheckpointNotFoundError


def make(files: dict[str, bytes]) -> MemoryFiles:
    return open_memory({**files, "manifest.json": make_manifest(files)}, source="memory")


@given(st.binary(max_size=300), st.lists(st.integers(0, 100), max_size=4))
def test_reads_in_any_steps(data: bytes, steps: list[int]) -> None:
    with make({"a": data}).open("a") as reader:
        position = 0
        for step in steps:
            if position + step > len(data):
                with pytest.raises(CheckpointError, match="ends after"):
                    reader.read(step)
                break
            assert reader.read(step) == data[position : position + step]
            position += step


def test_a_file_that_is_not_read_to_its_end_is_checked_all_the_same() -> None:
    files = make({"a": b"x" * 5000})
    changed = MemoryFiles("memory", {"a": b"x" * 4999 + b"y"}, files.entries)
    with pytest.raises(CheckpointError, match=r"memory.a.*SHA-256"), changed.open("a") as reader:
        assert reader.read(10) == b"x" * 10
    with pytest.raises(CheckpointError, match="SHA-256"):
        changed.check_rest()
    files.check_rest()


def test_errors_inside_the_block() -> None:
    files = make({"a": b"x"})
    with pytest.raises(ZeroDivisionError), files.open("a"):
        raise ZeroDivisionError("of the caller")
    with pytest.raises(CheckpointError, match="of the caller"), files.open("a"):
        raise CheckpointError("of the caller")


def test_text() -> None:
    files = make({"a": "\u20ac".encode(), "b": b"\xff", "c": b""})
    assert files.read_text("a") == "\u20ac"
    assert files.read_text("c") == ""
    with pytest.raises(CheckpointError, match=r"memory.b.*UTF-8"):
        files.read_text("b")
    with pytest.raises(CheckpointError, match=r"memory.a.*at most 2 bytes.*3 bytes"):
        files.read_text("a", limit=2)
    with pytest.raises(CheckpointError, match="no file 'd'; it has a, b, c"):
        files.read_text("d")


def test_listing_of_a_folder(tmp_path: Path) -> None:
    assert open_folder(tmp_path).sizes == {}
    (tmp_path / "a").write_text("12")
    (tmp_path / ".hidden").write_text("1")
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken").symlink_to(tmp_path / "nothing")
    files = open_folder(tmp_path)
    assert files.sizes == {"a": 2}
    assert "a" in files
    assert "folder" not in files
    with pytest.raises(CheckpointNotFoundError):
        open_folder(tmp_path / "nothing")


def test_a_folder_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(CheckpointError, match="Permission denied"):
        open_folder(tmp_path)


def test_every_file_of_our_own_is_read_once(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    really_open = builtins.open

    def count(path: Any, *args: Any, **kwargs: Any) -> Any:
        opened.append(Path(path).name)
        return really_open(path, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", count)
    load_checkpoint(own_folder, is_own=True)
    names = [name for name in opened if name != "manifest.json"]
    assert sorted(names) == sorted(
        p.name for p in own_folder.iterdir() if p.name != "manifest.json"
    )
