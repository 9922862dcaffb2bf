"""What of a folder goes to a hub, and what stays."""

import shutil
import zipfile
from pathlib import Path

import pytest
import spacy
import srsly

from spacy_bert_plugin.errors import BertPluginError, CheckpointError, CheckpointNotFoundError
from spacy_bert_plugin.interop.hub import pack_pipeline
from spacy_bert_plugin.interop.hub.parcel import find_machine_paths, select_files


def list_files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def build_wheel(pipeline: Path, path: Path, *, extra: str = "") -> Path:
    """A wheel as `spacy package` builds it, as far as is read of it."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in list_files(pipeline):
            archive.write(pipeline / name, f"en_rooms/en_rooms-1.2.3/{name}")
        archive.writestr("en_rooms/__init__.py", "")
        if extra:
            archive.writestr(extra, "")
    return path


def test_everything_that_spacy_writes_goes(pipeline: Path) -> None:
    with pack_pipeline(pipeline) as parcel:
        assert sorted(parcel.files) == list_files(pipeline)
        assert parcel.left_out == []
        assert parcel.meta["labels"]["bert_ner"] == ["ROOM"]
        assert parcel.n_bytes == sum((pipeline / n).stat().st_size for n in parcel.files)


def test_foreign_files_stay(pipeline: Path, tmp_path: Path) -> None:
    expected = list_files(pipeline)
    (tmp_path / "secret").write_text("x")
    foreign = [".env", "log.jsonl", "notes/a.txt", "bert_ner/.cache/x", "bert_ner/old.pkl"]
    for name in foreign:
        (pipeline / name).parent.mkdir(parents=True, exist_ok=True)
        (pipeline / name).write_text("x")
    (pipeline / "vocab" / "outside").symlink_to(tmp_path / "secret")
    with pack_pipeline(pipeline) as parcel:
        assert sorted(parcel.files) == expected
    stays = {".env", "log.jsonl", "notes/", "bert_ner/.cache/x", "bert_ner/old.pkl"}
    assert set(parcel.left_out) == stays | {"vocab/outside"}


def test_an_empty_folder_has_no_files(tmp_path: Path) -> None:
    assert select_files(tmp_path, components=set()) == ([], [])


def test_what_goes_loads_by_itself_and_gives_the_same(pipeline: Path, tmp_path: Path) -> None:
    with pack_pipeline(pipeline) as parcel:
        for name, path in parcel.files.items():
            (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / "copy" / name)
    text = "play the kitchen"
    assert spacy.load(tmp_path / "copy")(text).cats == spacy.load(pipeline)(text).cats


def test_a_wheel_goes_with_its_contents(pipeline: Path, tmp_path: Path) -> None:
    wheel = build_wheel(pipeline, tmp_path / "en_rooms-1.2.3-py3-none-any.whl")
    with pack_pipeline(wheel) as parcel:
        assert sorted(parcel.files) == sorted([*list_files(pipeline), wheel.name])
        assert parcel.files[wheel.name].read_bytes() == wheel.read_bytes()


def test_an_installed_pipeline_goes(
    pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(pipeline, tmp_path / "en_rooms" / "en_rooms-1.2.3")
    (tmp_path / "en_rooms" / "__init__.py").write_text("")
    (tmp_path / "en_rooms-1.2.3.dist-info").mkdir()
    (tmp_path / "en_rooms-1.2.3.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: en_rooms\nVersion: 1.2.3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pack_pipeline("en_rooms") as parcel:
        assert sorted(parcel.files) == list_files(pipeline)


def test_links_of_a_downloaded_copy_go(pipeline: Path, tmp_path: Path) -> None:
    expected = list_files(pipeline)
    (tmp_path / "blobs").mkdir()
    for number, name in enumerate(expected):
        blob = shutil.move(pipeline / name, tmp_path / "blobs" / str(number))
        (pipeline / name).symlink_to(blob)
    with pack_pipeline(pipeline) as parcel:
        assert sorted(parcel.files) == expected


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("nowhere", "neither such a folder nor such a package"),
        ("empty", "config.cfg and meta.json missing"),
        ("pipeline/config.cfg", "it is a file, and no wheel"),
        ("broken", "meta.json cannot be read"),
        ("encoder", "config.cfg and meta.json missing"),
        ("hidden.whl", "hidden files"),
        ("none.whl", "0 folders"),
        ("two.whl", "2 folders"),
    ],
)
def test_what_is_no_pipeline(
    pipeline: Path, tmp_path: Path, tiny_checkpoint: Path, source: str, problem: str
) -> None:
    (tmp_path / "empty").mkdir()
    shutil.copytree(pipeline, tmp_path / "broken")
    (tmp_path / "broken" / "meta.json").write_text("[")
    shutil.copytree(tiny_checkpoint, tmp_path / "encoder")
    build_wheel(pipeline, tmp_path / "hidden.whl", extra="en_rooms/.env")
    build_wheel(tmp_path / "empty", tmp_path / "none.whl")
    build_wheel(pipeline, tmp_path / "two.whl", extra="other/x/config.cfg")
    with (
        pytest.raises(CheckpointNotFoundError, match=problem),
        pack_pipeline(tmp_path / source),
    ):
        pass


@pytest.mark.parametrize("name", ["bert_transformer/model.safetensors", "bert_ner/model"])
def test_what_does_not_load_stays(pipeline: Path, name: str) -> None:
    (pipeline / name).write_bytes(b"damaged")
    with pytest.raises(BertPluginError, match=r"SB781|does not load"), pack_pipeline(pipeline):
        pass


@pytest.mark.parametrize(
    ("secret", "what"),
    [
        ("hf_" + "aB3" * 12, "token of a hub"),
        ("ghp_" + "aB3" * 12, "token of a code host"),
        ("AKIA" + "ABCD" * 4, "key of a cloud"),
        ("-----BEGIN RSA PRIVATE KEY-----", "private key"),
    ],
)
@pytest.mark.parametrize("name", ["meta.json", "README.md"])
def test_secrets_stay(pipeline: Path, name: str, secret: str, what: str) -> None:
    if name == "meta.json":
        meta = srsly.read_json(pipeline / name)
        srsly.write_json(pipeline / name, {**meta, "notes": secret})
    else:
        (pipeline / name).write_text(f"use {secret}\n")
    with pytest.raises(CheckpointError, match=f"'{name}'.*{what}"), pack_pipeline(pipeline):
        pass


def test_machine_paths_are_found() -> None:
    config = {"paths": {"train": "/home/me/train.spacy", "dev": None}, "nlp": {"lang": "en"}}
    assert find_machine_paths(config) == {"paths.train": "/home/me/train.spacy"}
    assert find_machine_paths({}) == {}
