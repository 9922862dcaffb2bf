"""The hub, played by a server on this machine: downloads, faults, and a hub that is not there."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_hub import COMMIT, FakeHub, serve

from spacy_bert_plugin.checkpoints import load_checkpoint, resolve_checkpoint
from spacy_bert_plugin.checkpoints.hub import (
    download_snapshot,
    is_repository,
    run_with_deadline,
    select_files,
)
from spacy_bert_plugin.errors import CheckpointError, CheckpointNotFoundError

NAME = "owner/model"
DEAD = "http://127.0.0.1:9"


@pytest.fixture
def hub(hub_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    with serve(hub_folder) as served:
        yield served


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def get(hub: FakeHub, cache: Path, **options: object) -> Path:
    chosen = {"endpoint": hub.endpoint, "cache_dir": cache, **options}
    return download_snapshot(NAME, **chosen)  # type: ignore[arg-type]


def test_download_and_load(hub: FakeHub, cache: Path, hub_folder: Path) -> None:
    hub.files["pytorch_model.bin"] = b"\x80\x02never"
    hub.files["README.md"] = b"# model"
    hub.files["run.py"] = b"raise SystemExit"
    folder = get(hub, cache)
    names = {path.name for path in folder.iterdir()}
    assert names == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    for name in names:
        assert (folder / name).read_bytes() == (hub_folder / name).read_bytes()
    load_checkpoint(folder)
    asked = " ".join(hub.requests)
    assert "pytorch_model" not in asked
    assert "run.py" not in asked


def test_the_second_time_only_the_list_is_asked_for(hub: FakeHub, cache: Path) -> None:
    first = get(hub, cache)
    hub.requests.clear()
    assert get(hub, cache) == first
    assert hub.requests
    assert not any("/resolve/" in request for request in hub.requests)


def test_a_pinned_commit_in_the_cache_needs_no_network(hub: FakeHub, cache: Path) -> None:
    first = get(hub, cache, revision=COMMIT)
    hub.requests.clear()
    assert get(hub, cache, revision=COMMIT, endpoint=DEAD) == first
    assert hub.requests == []


def test_a_revision_is_asked_for(hub: FakeHub, cache: Path) -> None:
    get(hub, cache, revision="v1.0")
    assert any(request.endswith("/revision/v1.0") for request in hub.requests)
    with pytest.raises(CheckpointNotFoundError, match="no-such-branch"):
        get(hub, cache, revision="no-such-branch")


@pytest.mark.parametrize("fault", ["500", "html", "hang", "dead"])
def test_a_copy_in_the_cache_is_used_without_the_hub(hub: FakeHub, cache: Path, fault: str) -> None:
    first = get(hub, cache)
    hub.fault = fault
    endpoint = DEAD if fault == "dead" else hub.endpoint
    assert get(hub, cache, endpoint=endpoint, deadline=0.5) == first


@pytest.mark.parametrize("fault", ["500", "html", "hang", "dead"])
def test_no_hub_and_no_copy_is_an_error_at_once(hub: FakeHub, cache: Path, fault: str) -> None:
    hub.fault = fault
    endpoint = DEAD if fault == "dead" else hub.endpoint
    started = time.monotonic()
    with pytest.raises(CheckpointNotFoundError, match=rf"{NAME}.*hub cannot be used"):
        get(hub, cache, endpoint=endpoint, deadline=0.5)
    assert time.monotonic() - started < 2
    assert len(hub.requests) <= 1


def test_a_name_that_cannot_be_resolved(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*args: object, **kwargs: object) -> None:
        time.sleep(1)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()
    with pytest.raises(CheckpointNotFoundError, match=r"no answer within 0\.2 seconds"):
        download_snapshot(NAME, endpoint="http://hub.invalid", cache_dir=cache, deadline=0.2)
    assert time.monotonic() - started < 0.9


def test_offline_mode_asks_nobody(
    hub: FakeHub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    first = get(hub, cache)
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert get(hub, cache) == first
    with pytest.raises(CheckpointNotFoundError, match="HF_HUB_OFFLINE"):
        get(hub, cache / "empty")
    assert hub.requests == []


@pytest.mark.parametrize(
    ("fault", "problem"), [("404", "no model 'owner/model'"), ("401 gated", "gated")]
)
def test_models_that_are_not_to_be_had(hub: FakeHub, cache: Path, fault: str, problem: str) -> None:
    hub.fault = fault
    with pytest.raises(CheckpointNotFoundError, match=problem):
        get(hub, cache)


@pytest.mark.parametrize("fault", ["cut", "flip", "file html", "file 500"])
@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_damaged_downloads_do_not_poison_the_cache(
    hub: FakeHub,
    cache: Path,
    hub_folder: Path,
    fault: str,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # the client waits between tries
    hub.fault, hub.fault_file = fault, name
    with pytest.raises(CheckpointError, match=rf"{NAME}.*failed or came out damaged"):
        get(hub, cache)
    hub.fault = "500"
    with pytest.raises(CheckpointNotFoundError):
        get(hub, cache)
    hub.fault = ""
    folder = get(hub, cache)
    assert (folder / name).read_bytes() == (hub_folder / name).read_bytes()
    load_checkpoint(folder)


@pytest.mark.parametrize("names", [["pytorch_model.bin"], ["tf_model.h5"], ["model.onnx"], []])
def test_no_safetensors(hub: FakeHub, cache: Path, names: list[str]) -> None:
    del hub.files["model.safetensors"]
    hub.files.update(dict.fromkeys(names, b"x"))
    expected = rf"{names[0]}.*save_pretrained" if names else r"model\.safetensors"
    with pytest.raises(CheckpointError, match=rf"{NAME}.*{expected}"):
        get(hub, cache)
    assert not any("/resolve/" in request for request in hub.requests)


def test_an_incomplete_copy_is_not_used(hub: FakeHub, cache: Path) -> None:
    folder = get(hub, cache, revision=COMMIT)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(CheckpointNotFoundError):
        get(hub, cache, revision=COMMIT, endpoint=DEAD)
    assert (get(hub, cache, revision=COMMIT) / "tokenizer.json").is_file()


def test_an_unwritable_cache(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=NAME):
        get(hub, tmp_path / "file")


def test_selected_files() -> None:
    shards = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    names = ["config.json", "tokenizer.json", "vocab.txt", "merges.txt", "x/model.safetensors"]
    names += ["adapter_model.safetensors", "1_Pooling/config.json", "onnx/model.onnx", "a.py"]
    small = ["config.json", "tokenizer.json", "vocab.txt", "merges.txt"]
    one = select_files([*names, *shards, "model.safetensors"], source="x")
    assert sorted(one) == sorted([*small, "model.safetensors"])
    index = "model.safetensors.index.json"
    many = select_files([*names, *shards, index], source="x")
    assert sorted(many) == sorted([*small, *shards, index])
    for missing in ("config.json", "model.safetensors"):
        rest = [n for n in [*names, "model.safetensors"] if n != missing]
        with pytest.raises(CheckpointError, match=missing):
            select_files(rest, source="x")
    with pytest.raises(CheckpointError, match="no files"):
        select_files([], source="x")


@pytest.mark.parametrize("name", ["bert", "a/b", "google-bert/bert-base-uncased", "A.b_c-1/d.e"])
def test_names_of_the_hub(name: str) -> None:
    assert is_repository(name)


@pytest.mark.parametrize(
    "name", ["", "a/b/c", "/a", "a/", "../a", "a..b", "a--b", "a b", "ä", "a\n", "x" * 200, "-a"]
)
def test_names_that_the_hub_cannot_have(name: str) -> None:
    assert not is_repository(name)


def test_deadline() -> None:
    assert run_with_deadline(lambda: 3, seconds=5) == 3
    with pytest.raises(ZeroDivisionError):
        run_with_deadline(lambda: 1 // 0, seconds=5)
    with pytest.raises(TimeoutError, match=r"0\.05 seconds"):
        run_with_deadline(lambda: time.sleep(0.3), seconds=0.05)


def test_the_whole_way_in_a_process_of_its_own(hub: FakeHub, tmp_path: Path) -> None:
    """HF_ENDPOINT and HF_HOME are read when the client is imported."""
    program = (
        "import json\nfrom spacy_bert_plugin.checkpoints import *\n"
        "first = resolve_checkpoint('owner/model')\n"
        "load_checkpoint(first)\n"
        "print(json.dumps(str(first)))\n"
    )
    variables = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "home")}
    environment = {**os.environ, **variables, "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=120, check=True)
    folder = Path(json.loads(done.stdout.decode().splitlines()[-1]))
    assert folder.is_relative_to(tmp_path / "home")
    assert resolve_checkpoint(folder) == folder
