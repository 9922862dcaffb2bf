"""The state of a run: a changed byte ends in an error, not in another run."""

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_bert_plugin.errors import CheckpointError
from spacy_bert_plugin.training.sealed import STATE, read_sealed, read_tensors, seal, write_sealed
from tests.training.tiny_runs import make_config, run, write_data

STATES = {"format": 1, "progress": {"step": 3}, "numbers": {10: 0.1, 9: [1, None]}}
TENSORS = {"moments.safetensors": {"a": torch.arange(5.0)}, "none.safetensors": {}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_sealed(tmp_path, STATES, TENSORS)
    return tmp_path


def read(folder: Path) -> dict[str, dict[str, torch.Tensor]]:
    state = read_sealed(folder / STATE, known=1)
    return {name: read_tensors(folder, name, state["files"]) for name in TENSORS}


def test_reads_back(folder: Path) -> None:
    state = read_sealed(folder / STATE, known=1)
    assert state["numbers"] == {"10": 0.1, "9": [1, None]}
    assert torch.equal(read(folder)["moments.safetensors"]["a"], torch.arange(5.0))
    assert read(folder)["none.safetensors"] == {}
    (folder / STATE).write_text(seal({**state, "format": 1}))
    read(folder)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_one_flipped_bit_anywhere(folder: Path, data: st.DataObject) -> None:
    path = folder / data.draw(st.sampled_from([STATE, *TENSORS]))
    before = path.read_bytes()
    changed = bytearray(before)
    changed[data.draw(st.integers(0, len(before) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(changed)
    try:
        with pytest.raises(CheckpointError, match=path.name):
            read(folder)
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("name", [STATE, *TENSORS])
@pytest.mark.parametrize("content", [None, b"", b"{" * 100_000, b"[]", b"\xff\x00"])
def test_other_files(folder: Path, name: str, content: bytes | None) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=name):
        read(folder)


def test_tensors_have_memory_of_their_own(folder: Path) -> None:
    """A mapped file that is cut off kills the process that reads on."""
    found = read(folder)
    (folder / "moments.safetensors").write_bytes(b"")
    assert found["moments.safetensors"]["a"].sum() == 10.0


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("run")
    data = write_data(folder / "data.spacy")
    run(make_config("plain", data, max_steps=2), folder / "run")
    return data, folder / "run"


@pytest.mark.parametrize("name", ["optimizer.safetensors", "state.json"])
def test_runs_do_not_go_on_from_a_damaged_state(finished: tuple[Path, Path], name: str) -> None:
    data, output = finished
    path = output / "resume" / name
    before = path.read_bytes()
    middle = len(before) // 2
    try:
        path.write_bytes(before[:middle] + bytes([before[middle] ^ 4]) + before[middle + 1 :])
        with pytest.raises(CheckpointError, match=rf"(?s){name}.*--overwrite"):
            run(make_config("plain", data, max_steps=4), output, resume=True)
    finally:
        path.write_bytes(before)
    assert run(make_config("plain", data, max_steps=4), output, resume=True).step == 4
