"""Files that are missing, damaged or of another model: an error that names them."""

import builtins
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_checkpoints import (
    WEIGHTS,
    edit_config,
    edit_weights,
    make_checkpoint,
)

from spacy_bert_plugin.checkpoints import (
    checkpoint_from_bytes,
    checkpoint_to_bytes,
    load_checkpoint,
)
from spacy_bert_plugin.errors import CheckpointError, CheckpointNotFoundError


@pytest.mark.parametrize("name", ["config.json", WEIGHTS, "tokenizer.json"])
@pytest.mark.parametrize("is_own", [False, True])
def test_missing_files(hub_folder: Path, own_folder: Path, name: str, is_own: bool) -> None:
    folder = own_folder if is_own else hub_folder
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=name.replace(".", r"\.")):
        load_checkpoint(folder, is_own=is_own)


def test_missing_folder(tmp_path: Path) -> None:
    for is_own in (False, True):
        with pytest.raises(CheckpointNotFoundError, match="nothing-here"):
            load_checkpoint(tmp_path / "nothing-here", is_own=is_own)
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="is a file"):
        load_checkpoint(tmp_path / "file")


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"'config\.json'; it has no files"):
        load_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match=r"'manifest\.json'"):
        load_checkpoint(tmp_path, is_own=True)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("exploded",))


def test_pickled_weights_are_never_read(
    hub_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (hub_folder / WEIGHTS).unlink()
    torch.save({"weight": Bomb()}, hub_folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin.*save_pretrained"):
        load_checkpoint(hub_folder)
    shutil.copy(hub_folder / "pytorch_model.bin", hub_folder / WEIGHTS)
    with pytest.raises(CheckpointError, match=r"model\.safetensors.*header"):
        load_checkpoint(hub_folder)
    assert not (tmp_path / "exploded").exists()


def rename_one(tensors: dict[str, torch.Tensor]) -> None:
    tensors["encoder.layer.0.output.dens.bias"] = tensors.pop("encoder.layer.0.output.dense.bias")


EDITS: dict[str, tuple[Callable[[dict[str, torch.Tensor]], Any], str]] = {
    "missing": (
        lambda t: t.pop("encoder.layer.1.output.dense.bias"),
        r"lacks.*1\.output\.dense\.bias",
    ),
    "half a pooler": (lambda t: t.pop("pooler.dense.bias"), r"lacks.*pooler\.dense\.bias"),
    "all": (lambda t: t.clear(), "lacks"),
    "renamed": (rename_one, r"encoder\.layer\.0\.output\.dens\.bias"),
    "extra": (lambda t: t.update(x=torch.ones(1)), "does not have: x"),
    "extra layer": (
        lambda t: t.update({"encoder.layer.2.output.dense.bias": torch.ones(8)}),
        r"does not have: encoder\.layer\.2\.output\.dense\.bias",
    ),
    "twice": (
        lambda t: t.update({"bert.pooler.dense.bias": torch.ones(8)}),
        r"does not have:.*pooler\.dense\.bias",
    ),
    "shape": (
        lambda t: t.update({"pooler.dense.bias": torch.ones(9)}),
        r"pooler\.dense\.bias \(expected \(8,\), got \(9,\)\)",
    ),
    "turned": (
        lambda t: t.update(
            {"encoder.layer.0.output.dense.weight": torch.ones(12, 8)},
        ),
        r"output\.dense\.weight \(expected \(8, 12\), got \(12, 8\)\)",
    ),
    "type": (
        lambda t: t.update({"pooler.dense.bias": torch.ones(8, dtype=torch.int64)}),
        r"'pooler\.dense\.bias' has the type I64",
    ),
    "NaN": (
        lambda t: t.update({"pooler.dense.bias": torch.full((8,), float("nan"))}),
        r"'pooler\.dense\.bias' holds NaN",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_weights_that_do_not_fit(hub_folder: Path, name: str) -> None:
    edit, problem = EDITS[name]
    edit_weights(hub_folder, edit)
    with pytest.raises(CheckpointError, match=rf"model\.safetensors.*{problem}"):
        load_checkpoint(hub_folder)


def test_many_missing_tensors_are_counted(hub_folder: Path) -> None:
    edit_config(hub_folder, num_hidden_layers=9)
    with pytest.raises(CheckpointError, match=r"encoder\.layer\.2.* and 104 more"):
        load_checkpoint(hub_folder)


def test_huge_sizes_take_no_memory(hub_folder: Path) -> None:
    edit_config(hub_folder, hidden_size=32768, intermediate_size=65536)
    with pytest.raises(CheckpointError, match=r"expected .*32768"):
        load_checkpoint(hub_folder)


@pytest.mark.parametrize(
    "name", ["config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json"]
)
@pytest.mark.parametrize("how", ["empty", "cut", "longer", "random", "html"])
def test_damaged_files_of_our_own(own_folder: Path, name: str, how: str) -> None:
    data = (own_folder / name).read_bytes()
    damaged = {
        "empty": b"",
        "cut": data[:-1],
        "longer": data + b" ",
        "random": bytes(reversed(data)),
        "html": b"<html>".ljust(len(data)),
    }[how]
    (own_folder / name).write_bytes(damaged)
    before = sorted(os.listdir(own_folder.parent))
    with pytest.raises(CheckpointError, match=name.replace(".", r"\.")):
        load_checkpoint(own_folder, is_own=True)
    assert sorted(os.listdir(own_folder.parent)) == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_one_flipped_bit_anywhere(own_folder: Path, data: st.DataObject) -> None:
    names = [*sorted(path.name for path in own_folder.iterdir()), WEIGHTS]
    path = own_folder / data.draw(st.sampled_from(names))
    before = path.read_bytes()
    changed = bytearray(before)
    changed[data.draw(st.integers(0, len(before) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(changed)
    try:
        with pytest.raises(CheckpointError, match=path.name) as raised:
            load_checkpoint(own_folder, is_own=True)
        assert path.name == "manifest.json" or "SHA-256" in str(raised.value)
    finally:
        path.write_bytes(before)


@settings(max_examples=60)
@given(data=st.data())
def test_one_flipped_bit_in_bytes(data: st.DataObject) -> None:
    changed = bytearray(BYTES)
    changed[data.draw(st.integers(0, len(BYTES) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(CheckpointError):
        checkpoint_from_bytes(bytes(changed))


BYTES = checkpoint_to_bytes(make_checkpoint())


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc0", b"\x80", b"\x81\xa1a\x01", b"\xa3abc", BYTES[:-1], BYTES + b"\0", BYTES[1:]],
)
def test_other_bytes(data: bytes) -> None:
    with pytest.raises(CheckpointError):
        checkpoint_from_bytes(data)


def test_extra_files_in_our_own_folder(own_folder: Path) -> None:
    (own_folder / ".DS_Store").write_text("")  # systems leave such files; they are never read
    load_checkpoint(own_folder, is_own=True)
    (own_folder / "pytorch_model.bin").write_text("")
    with pytest.raises(CheckpointError, match=r"'pytorch_model\.bin' does not belong"):
        load_checkpoint(own_folder, is_own=True)


def test_our_own_folder_without_its_manifest(hub_folder: Path) -> None:
    load_checkpoint(hub_folder)
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        load_checkpoint(hub_folder, is_own=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("name", ["config.json", WEIGHTS])
def test_pipes_are_not_waited_for(hub_folder: Path, name: str) -> None:
    (hub_folder / name).unlink()
    os.mkfifo(hub_folder / name)
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(hub_folder)


def test_links_to_files_are_followed(hub_folder: Path, tmp_path: Path) -> None:
    shutil.move(hub_folder / WEIGHTS, tmp_path / "blob")
    (hub_folder / WEIGHTS).symlink_to(tmp_path / "blob")
    load_checkpoint(hub_folder)
    (tmp_path / "blob").unlink()
    with pytest.raises(CheckpointError, match=WEIGHTS):
        load_checkpoint(hub_folder)


def test_files_that_may_not_be_read(hub_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Any, *args: Any, **kwargs: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(builtins, "open", refuse)
    with pytest.raises(CheckpointError, match=r"config\.json.*Permission denied"):
        load_checkpoint(hub_folder)


def test_config_that_is_too_large(hub_folder: Path) -> None:
    (hub_folder / "config.json").write_text(" " * 5_000_000)
    with pytest.raises(CheckpointError, match=r"config\.json.*5000000"):
        load_checkpoint(hub_folder)
