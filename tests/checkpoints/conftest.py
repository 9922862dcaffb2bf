"""Fixtures: tiny checkpoints on disk, and a machine without a network."""

import shutil
import socket
from pathlib import Path

import pytest
from tiny_checkpoints import make_checkpoint

from spacy_bert_plugin.checkpoints import LoadedCheckpoint, save_checkpoint


@pytest.fixture
def checkpoint() -> LoadedCheckpoint:
    return make_checkpoint()


@pytest.fixture
def own_folder(tmp_path: Path, checkpoint: LoadedCheckpoint) -> Path:
    """A folder that this package saved."""
    folder = tmp_path / "own"
    save_checkpoint(checkpoint, folder)
    return folder


@pytest.fixture
def hub_folder(tmp_path: Path, own_folder: Path) -> Path:
    """The same as anybody else could have written it: no manifest."""
    folder = tmp_path / "hub"
    shutil.copytree(own_folder, folder)
    (folder / "manifest.json").unlink()
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every attempt to open or resolve an address fails, and is written down."""
    attempts: list[object] = []

    def refuse(*args: object, **kwargs: object) -> None:
        attempts.append(args)
        raise OSError("the network is blocked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return attempts
