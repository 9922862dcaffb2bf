"""Uploads to a hub on this machine, over HTTP, by the hub's own client."""

import time
from pathlib import Path

import pytest
import spacy
from writable_hub import Repository, WritableHub

from spacy_bert_plugin.errors import BertPluginError, CheckpointError, CheckpointNotFoundError
from spacy_bert_plugin.interop.hub import push_pipeline
from spacy_bert_plugin.interop.hub.push import find_stale

NAME = "owner/rooms"
# The hub's own client sends large files in a way that its own library for HTTP warns of.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


def list_files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_push_can_be_downloaded_and_loaded(
    hub: WritableHub, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import snapshot_download
    from transformers import AutoModel

    (pipeline / ".env").write_text("HF_TOKEN=hf_mine")
    pushed = push_pipeline(pipeline, NAME, message="First")
    expected = (list_files(pipeline) - {".env"}) | {"README.md"}
    repository = hub.repositories[NAME]
    assert set(pushed.files) == expected == set(repository.branches["main"]) - {".gitattributes"}
    assert pushed.url == f"{hub.endpoint}/{NAME}"
    assert pushed.left_out == (".env",)
    assert (repository.messages, repository.is_private) == (["First"], False)
    assert repository.branches["main"]["README.md"] == pushed.card.encode()

    # The client replaces the endpoint that it was imported with.
    monkeypatch.undo()
    cache = tmp_path / "cache"
    folder = snapshot_download(NAME, cache_dir=cache, endpoint=hub.endpoint, token=False)
    doc, other = spacy.load(folder)("play the music"), spacy.load(pipeline)("play the music")
    assert doc.cats == other.cats
    assert doc.vector.tolist() == other.vector.tolist()
    # The encoder's folder by itself is a checkpoint for everybody.
    model = AutoModel.from_pretrained(Path(folder) / "bert_transformer")
    assert model.config.hidden_size == 32


def test_options_reach_the_hub(hub: WritableHub, pipeline: Path) -> None:
    pushed = push_pipeline(pipeline, "rooms", is_private=True, token="hf_writer", revision="v2")
    repository = hub.repositories[NAME]
    assert repository.is_private
    assert set(repository.branches) == {"main", "v2"}
    assert "config.cfg" in repository.branches["v2"]
    assert "config.cfg" not in repository.branches["main"]
    assert repository.messages == ["Version 1.2.3"]
    assert (pushed.repository, pushed.url) == (NAME, f"{hub.endpoint}/{NAME}/tree/v2")
    assert f'snapshot_download("{NAME}")' in pushed.card


def test_a_second_push_replaces_the_first(hub: WritableHub, pipeline: Path) -> None:
    push_pipeline(pipeline, NAME)
    files = hub.repositories[NAME].branches["main"]
    files["bert_ner/left-over"] = b"x"
    files["picture.png"] = b"x"
    pushed = push_pipeline(pipeline, NAME)
    files = hub.repositories[NAME].branches["main"]
    assert pushed.removed == ("bert_ner/left-over",)
    assert set(files) == {*pushed.files, "picture.png", ".gitattributes"}


def test_stale_files() -> None:
    present = ["a/x", "a/y", "b/x", "old.whl", "README.md", "deep/old.whl"]
    assert find_stale(present, ["a/x", "new.whl"]) == ["a/y", "old.whl"]
    assert find_stale(present, ["a/x"]) == ["a/y"]
    assert find_stale([], []) == []


def test_a_dry_run_asks_nobody(
    hub: WritableHub, pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    pushed = push_pipeline(pipeline, NAME, is_dry_run=True)
    assert set(pushed.files) == list_files(pipeline) | {"README.md"}
    assert (pushed.url, hub.requests) == ("", [])


@pytest.mark.parametrize("name", ["", "a/b/c", "../x", "a b", "owner/x--y", "http://x/y"])
def test_impossible_names(hub: WritableHub, pipeline: Path, name: str) -> None:
    with pytest.raises(BertPluginError, match="cannot be a repository"):
        push_pipeline(pipeline, name)
    assert hub.requests == []


def test_no_token(hub: WritableHub, pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(CheckpointError, match=r"no access token.*hf auth login"):
        push_pipeline(pipeline, NAME)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("token", "name", "expected"),
    [
        ("hf_unknown", NAME, "does not accept the access token"),
        ("hf_writer", "other/rooms", "no right to write to 'other/rooms'"),
        ("hf_reader", "owner/there", "no right to write to 'owner/there'"),
    ],
)
def test_tokens_without_the_right(
    hub: WritableHub, pipeline: Path, token: str, name: str, expected: str
) -> None:
    hub.repositories["owner/there"] = Repository()
    with pytest.raises(CheckpointError, match=expected) as caught:
        push_pipeline(pipeline, name, token=token)
    assert token not in str(caught.value)
    assert [set(r.branches["main"]) for r in hub.repositories.values()] == [{".gitattributes"}]


@pytest.mark.parametrize("fault", ["hang", "dead"])
def test_no_network(
    hub: WritableHub, pipeline: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    hub.fault = fault
    if fault == "dead":
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(CheckpointNotFoundError, match=r"cannot be reached.*--dry-run"):
        push_pipeline(pipeline, NAME, deadline=0.5)
    assert time.monotonic() - started < 4
    assert hub.repositories == {}


def test_offline_mode_asks_nobody(
    hub: WritableHub, pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointNotFoundError, match="HF_HUB_OFFLINE is set"):
        push_pipeline(pipeline, NAME)
    assert hub.requests == []


@pytest.mark.parametrize("fault", ["/commit/ 500", "/commit/ 413", "/preupload/ 400"])
def test_an_upload_that_fails_changes_nothing(hub: WritableHub, pipeline: Path, fault: str) -> None:
    push_pipeline(pipeline, NAME)
    before = dict(hub.repositories[NAME].branches["main"])
    (pipeline / "LICENSE").write_text("MIT")
    hub.fault = fault
    with pytest.raises(CheckpointError, match=r"did not take the upload.*unchanged"):
        push_pipeline(pipeline, NAME)
    assert hub.repositories[NAME].branches["main"] == before


def test_a_public_repository_is_not_private(hub: WritableHub, pipeline: Path) -> None:
    hub.repositories[NAME] = Repository()
    with pytest.raises(CheckpointError, match="is public"):
        push_pipeline(pipeline, NAME, is_private=True)
    assert set(hub.repositories[NAME].branches["main"]) == {".gitattributes"}


def test_a_repository_of_something_else_is_kept(hub: WritableHub, pipeline: Path) -> None:
    hub.repositories[NAME] = Repository()
    hub.repositories[NAME].branches["main"]["pytorch_model.bin"] = b"x"
    with pytest.raises(CheckpointError, match=r"something else.*pytorch_model\.bin"):
        push_pipeline(pipeline, NAME)
    assert set(hub.repositories[NAME].branches["main"]) == {".gitattributes", "pytorch_model.bin"}
