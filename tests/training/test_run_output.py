"""Nothing of an earlier run is lost unasked, and no crash loses a model."""

import os
import shutil
from pathlib import Path

import pytest

from spacy_bert_plugin.checkpoints import atomic
from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.training import folders
from spacy_bert_plugin.training.folders import recover_folder, replace_folder
from spacy_bert_plugin.training.log import RunLog
from spacy_bert_plugin.training.output import RunFolder


def write(path: Path, text: str) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "file").write_text(text)
    return path


def replace(path: Path, text: str) -> None:
    with replace_folder(path) as staged:
        write(staged / "deep", text)
        write(staged, text)


def test_folders_are_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "model"
    replace(path, "1")
    (path / "old").touch()
    replace(path, "2")
    assert (path / "deep" / "file").read_text() == "2"
    assert sorted(os.listdir(path)) == ["deep", "file"]
    assert os.listdir(path.parent) == ["model"]


def test_a_save_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "model", "1")
    with pytest.raises(FileNotFoundError), replace_folder(path) as staged:
        write(staged, "2").joinpath("none").unlink()
    assert (path / "file").read_text() == "1"
    assert os.listdir(tmp_path) == ["model"]


def test_links_keep_pointing_where_they_did(tmp_path: Path) -> None:
    path = write(tmp_path / "disk" / "model", "1")
    (tmp_path / "link").symlink_to(path)
    replace(tmp_path / "link", "2")
    assert (tmp_path / "link").is_symlink()
    assert (path / "file").read_text() == "2"
    assert sorted(os.listdir(tmp_path)) == ["disk", "link"]


@pytest.mark.parametrize("n_renames", [0, 1, 2])
def test_a_crash_loses_nothing(
    n_renames: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed process does not clean up: the third state is what lies on disk then."""
    monkeypatch.setattr(atomic, "exchange_paths", lambda one, other: False)
    path = write(tmp_path / "model", "1")
    done = []
    rename = os.replace

    def crash(source: Path, target: Path) -> None:
        if len(done) == n_renames:
            raise SystemExit
        done.append(source)
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(folders.os, "replace", crash)
        patch.setattr(folders.shutil, "rmtree", lambda *args, **kwargs: None)
        if n_renames < 2:
            with pytest.raises(SystemExit):
                replace(path, "2")
        else:
            replace(path, "2")
    assert len(os.listdir(tmp_path)) == 2
    recover_folder(path)
    assert (path / "file").read_text() == ("2" if n_renames == 2 else "1")
    assert os.listdir(tmp_path) == ["model"]
    recover_folder(tmp_path / "other")
    recover_folder(tmp_path / "no" / "folder")
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("part", ["model-best", "model-last", "resume"])
def test_an_earlier_run_is_in_the_way(part: str, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.check(resume=False, overwrite=False)
    write(folder.root / part, "1")
    with pytest.raises(SettingError) as caught:
        folder.check(resume=False, overwrite=False)
    for word in (str(folder.root), part, "--resume", "--overwrite"):
        assert word in str(caught.value)
    folder.check(resume=False, overwrite=True)
    assert (folder.root / part / "file").exists()  # until the training begins
    with pytest.raises(SettingError, match="each other's opposite"):
        folder.check(resume=True, overwrite=True)


def test_a_model_that_a_crash_has_hidden_is_in_the_way_too(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    write(tmp_path / ".model-best.old-0123456789ab", "1")
    with pytest.raises(SettingError, match="holds model-best of"):
        folder.check(resume=False, overwrite=False)
    assert (folder.best / "file").read_text() == "1"


def test_models_alone_cannot_go_on(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.check(resume=True, overwrite=False)
    write(folder.best, "1")
    with pytest.raises(SettingError, match="no folder 'resume'"):
        folder.check(resume=True, overwrite=False)
    write(folder.resume, "1")
    folder.check(resume=True, overwrite=False)


def test_only_the_run_is_cleared(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.clear()
    for part in (*folder.parts, folder.root / "mine", folder.root / ".resume.new-0123456789ab"):
        write(part, "1")
    for file in (folder.log, folder.curves, folder.root / "config.cfg"):
        file.touch()
    assert "best model" in folder.describe()
    folder.clear()
    assert sorted(os.listdir(folder.root)) == ["config.cfg", "mine"]
    assert folder.describe() == ""


def test_the_best_model_is_a_copy(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for text in ("1", "2"):
        folder.save_last(lambda path, text=text: write(path, text))
        folder.copy_best()
    shutil.rmtree(folder.last)
    assert (folder.best / "file").read_text() == "2"


def test_rows_after_the_state_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = RunLog(path)
    for step in (0, 4, 8):
        log.add({"step": step})
    path.write_text(path.read_text() + '{"step": 1', encoding="utf8")
    again = RunLog(path, last_step=4)
    again.add({"step": 6})
    assert path.read_text() == '{"step": 0}\n{"step": 4}\n{"step": 6}\n'
    assert RunLog(path).rows == []
    nowhere = RunLog(None)
    nowhere.add({"step": 0})
    assert nowhere.rows == [{"step": 0}]
