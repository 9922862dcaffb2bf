"""The manifest vouches for every byte, its own included."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.checkpoints.manifest import (
    FORMAT,
    FileEntry,
    check_listing,
    is_plain_name,
    make_manifest,
    parse_manifest,
)
from spacy_bert_plugin.errors import CheckpointError

FILES = {"config.json": b"{}", "model.safetensors": b"\0" * 100, "empty.txt": b""}
TEXT = make_manifest(FILES).decode()
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)


def read(text: str) -> dict[str, FileEntry]:
    return parse_manifest(text, source="folder/manifest.json")


@given(st.dictionaries(NAMES.filter(lambda n: n != "manifest.json"), st.binary(), max_size=4))
def test_reads_back(files: dict[str, bytes]) -> None:
    entries = read(make_manifest(files).decode())
    assert entries == {
        name: FileEntry(hashlib.sha256(data).hexdigest(), len(data)) for name, data in files.items()
    }


@given(st.integers(0, len(TEXT) - 1), st.integers(0, 6))
def test_one_flipped_bit(place: int, bit: int) -> None:
    changed = TEXT[:place] + chr(ord(TEXT[place]) ^ (1 << bit)) + TEXT[place + 1 :]
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        read(changed)


@given(st.integers(0, len(TEXT) - 1))
def test_cut_off(length: int) -> None:
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        read(TEXT[:length])


def test_newer_format_says_which_version_it_needs() -> None:
    data = {"format": FORMAT + 1, "needs": "7.8.9", "files": ["another", "shape"]}
    with pytest.raises(CheckpointError, match=r"spacy-bert-plugin >= 7\.8\.9"):
        read(json.dumps(data))


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "C:x",
        "a\0b",
        "x" * 300,
        "",
        ".",
        "..",
        ".x",
        "manifest.json",
    ],
)
def test_names_stay_in_the_folder(name: str) -> None:
    text = make_manifest({name: b""}).decode()
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        read(text)
    assert name == "manifest.json" or not is_plain_name(name)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"format": 1},
        {"format": "1", "files": {}},
        {"format": True, "files": {}},
        {"format": 0, "files": {}},
        {"format": 1, "files": {"a": None}},
        {"format": 1, "files": {"a": {"sha256": "0" * 64}}},
        {"format": 1, "files": {"a": {"sha256": "0" * 64, "size": -1}}},
        {"format": 1, "files": {"a": {"sha256": "0" * 64, "size": "1"}}},
        {"format": 1, "files": {"a": {"sha256": "0" * 63, "size": 1}}},
        {"format": 1, "files": {"a": {"sha256": "G" * 64, "size": 1}}},
        {"format": 1, "files": {}, "digest": 1},
    ],
)
def test_other_objects(data: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        read(json.dumps(data))


@pytest.mark.parametrize(
    ("sizes", "problem"),
    [
        ({"a": 1}, "'b' is missing"),
        ({"a": 1, "b": 2, "c": 3}, "'c' does not belong"),
        ({"a": 0, "b": 2}, "'a' has 0 bytes instead of 1"),
        ({"a": None, "b": 2}, "'a' has None bytes"),
        ({}, "'a' is missing; 'b' is missing"),
    ],
)
def test_listing(sizes: dict[str, int | None], problem: str) -> None:
    entries = {"a": FileEntry("", 1), "b": FileEntry("", 2)}
    check_listing(entries, {"a": 1, "b": 2}, source="folder")
    with pytest.raises(CheckpointError, match=problem):
        check_listing(entries, sizes, source="folder")
