"""The n-th write, flush, sync or rename fails, for all n: the old model or the new one is there."""

import io
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from spacy_bert_plugin.checkpoints.atomic import find_folder
from spacy_bert_plugin.errors import BertPluginError, CheckpointError
from spacy_bert_plugin.training.output import RunFolder
from spacy_bert_plugin.training.saving import save_pipeline
from tests.faults.conftest import describe
from tests.faults.failing_disk import ERRORS, FailingDisk, read_tree
from tests.training.tiny_runs import make_config, run, write_data

SaveT = Callable[[Path], None]


def try_all(save_old: SaveT, save_new: SaveT, folder: Path, *, step: int = 1) -> int:
    """Save over an old folder with a disk that fails at its n-th call, for all n.

    RETURNS (int): How often a save failed.
    """
    target = folder / "model"
    save_new(target)
    new = read_tree(target)
    save_old(target)
    old = read_tree(target)
    assert old != new
    messages = []
    for n in itertools.count(1, step):
        disk = FailingDisk(n, ERRORS[n % len(ERRORS)], lasts=n % 2 == 0)
        with disk.plugged_in():
            try:
                save_new(target)
            except BertPluginError as error:
                messages.append((n, disk, str(error)))
        found = find_folder(target)
        assert read_tree(found) in (old, new), f"call {n}"
        assert {path.name for path in folder.iterdir()} == {found.name}, f"call {n}"
        if not disk.has_failed:
            assert read_tree(target) == new
            break
        save_old(target)
    for n, disk, text in messages:
        assert os.strerror(disk.code) in text, f"call {n}"
        assert str(folder) in text
    return len(messages)


def test_pipelines_are_old_or_new(two_pipelines: tuple[Language, Language], tmp_path: Path) -> None:
    old, new = two_pipelines
    expected = [describe(nlp) for nlp in two_pipelines]
    assert expected[0] != expected[1]
    n_failed = try_all(
        lambda path: save_pipeline(old, path), lambda path: save_pipeline(new, path), tmp_path,
        step=17,
    )  # fmt: skip
    assert n_failed > 5
    assert describe(spacy.load(tmp_path / "model")) == expected[1]


def test_encoders_are_old_or_new(two_pipelines: tuple[Language, Language], tmp_path: Path) -> None:
    """`nlp.to_disk` is spaCy's; what our component writes in it is replaced as a whole."""
    old, new = (nlp.get_pipe("bert_transformer") for nlp in two_pipelines)
    new.model.shims[0].encoder.layers[0].attention.value.weight.data.add_(0.1)
    try:
        assert try_all(old.to_disk, new.to_disk, tmp_path) > 10
    finally:
        new.model.shims[0].encoder.layers[0].attention.value.weight.data.sub_(0.1)


def test_a_first_save_that_fails_leaves_nothing(
    two_pipelines: tuple[Language, Language], tmp_path: Path
) -> None:
    with FailingDisk(9, ERRORS[0]).plugged_in(), pytest.raises(CheckpointError, match="whole"):
        save_pipeline(two_pipelines[0], tmp_path / "a" / "model")
    assert list((tmp_path / "a").iterdir()) == []


@pytest.mark.parametrize("name", ["notes.md", "thesis"])
def test_what_is_no_pipeline_is_never_replaced(
    name: str, two_pipelines: tuple[Language, Language], tmp_path: Path
) -> None:
    save_pipeline(two_pipelines[0], tmp_path / "model")
    before = read_tree(tmp_path / "model")
    (tmp_path / "model" / name).write_text("precious")
    with pytest.raises(CheckpointError, match=name):
        save_pipeline(two_pipelines[1], tmp_path / "model")
    assert read_tree(tmp_path / "model") == {**before, name: b"precious"}
    (tmp_path / "file").write_text("precious")
    with pytest.raises(CheckpointError, match="a file"):
        save_pipeline(two_pipelines[1], tmp_path / "file")
    (tmp_path / "empty").mkdir()
    save_pipeline(two_pipelines[1], tmp_path / "empty")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "data.spacy")


@pytest.mark.parametrize("n", [3, 90, 170])
def test_trainings_whose_disk_fails(n: int, data: Path, tmp_path: Path) -> None:
    """Whatever has been saved loads; the run goes on, or says that there is nothing yet."""
    config = make_config("plain", data, max_steps=4, eval_frequency=2)
    said = ""
    with FailingDisk(n, ERRORS[n % len(ERRORS)], lasts=True).plugged_in() as disk:
        try:
            run(config, tmp_path / "run")
        except CheckpointError as error:
            said = str(error)
    assert bool(said) == disk.has_failed
    assert not said or os.strerror(disk.code) in said
    folder = RunFolder(tmp_path / "run")
    for part in (folder.best, folder.last, folder.resume / "model"):
        if part.exists():
            assert spacy.load(part)("book a table").cats
    if folder.resume.exists():
        run(config, tmp_path / "run", resume=True)
    else:
        run(config, tmp_path / "run")
    state = json.loads((folder.resume / "state.json").read_text())
    assert state["progress"]["step"] == 4
    assert not [path.name for path in folder.root.iterdir() if ".new-" in path.name]


def test_the_failing_disk_fails(tmp_path: Path) -> None:
    for n, expected in ((1, b""), (2, b"ab"), (3, b"abcd"), (4, b"abcd"), (5, b"abcd")):
        path = tmp_path / str(n)
        with FailingDisk(n, ERRORS[0]).plugged_in() as disk:
            try:
                with io.open(path, "wb") as stream:  # noqa: UP020 (what pathlib calls)
                    stream.write(b"abcd")
                    stream.flush()
            except OSError:
                pass
        assert disk.has_failed == (n < 5)
        assert (path.read_bytes() if path.exists() else b"") == expected
