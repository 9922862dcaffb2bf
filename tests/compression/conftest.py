"""Pipelines on disk that several tests read, and what they are read with."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from small_pipelines import make_nlp


@pytest.fixture(scope="session")
def shared_model(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """Folder of a pipeline with a shared encoder. Tests must not change it."""
    path = tmp_path_factory.mktemp("pipelines") / "shared"
    make_nlp(tiny_checkpoint).to_disk(path)
    return path


@pytest.fixture(scope="session")
def inline_model(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """Folder of a pipeline whose component has an encoder of its own."""
    path = tmp_path_factory.mktemp("pipelines") / "inline"
    make_nlp(tiny_checkpoint, is_inline=True).to_disk(path)
    return path


@pytest.fixture
def computes_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bfloat16 count as computed in hardware, as it works everywhere, if slowly."""
    monkeypatch.setattr("spacy_bert_plugin.batching.precision.supports_bf16", lambda device: True)


@pytest.fixture
def list_dtypes() -> Callable[[Path], dict[str, str]]:
    """Read the types in a safetensors file, by name of the tensor."""

    def read(path: Path) -> dict[str, str]:
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        header.pop("__metadata__", None)
        return {name: entry["dtype"] for name, entry in header.items()}

    return read
