"""The scripts of the project, importable, and its files in a folder of their own."""

import importlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
import weasel.cli.run
from spacy.cli._util import app as spacy_app
from spacy.util import registry
from typer.testing import CliRunner

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import make_home_assistant  # noqa: E402


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what project.yml needs, so that nothing is written to the repository."""
    for name in ("scripts", "configs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "project.yml", tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory, tokenizer_json: str) -> Path:
    """Folder of a random one-layer encoder with windows as long as the configs expect."""
    from spacy_bert_plugin.checkpoints import build_checkpoint, save_checkpoint
    from spacy_bert_plugin.pieces import PieceTokenizer

    sizes = {"width": 16, "n_layers": 1, "n_heads": 2, "hidden_width": 32, "n_positions": 256}
    path = tmp_path_factory.mktemp("encoders") / "tiny"
    save_checkpoint(build_checkpoint(sizes, PieceTokenizer.from_json(tokenizer_json)), path)
    return path


def run_here(command: list[str], **_: Any) -> None:
    """Do in this process what weasel does in a new one, which would import everything again."""
    if command[1] == "-m":
        registry.cli.get_all()
        program: Any = spacy_app
        words = command[3:]
    else:
        program = typer.Typer()
        program.command()(importlib.import_module(Path(command[1]).stem).main)
        words = command[2:]
    done = CliRunner().invoke(program, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output


@pytest.fixture
def run_step(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run a command of the copied project on little data."""
    monkeypatch.setattr(weasel.cli.run, "run_command", run_here)
    for name, n in (("train", 40), ("dev", 10), ("test", 20)):
        monkeypatch.setitem(make_home_assistant.SIZES, name, n)

    def run(name: str, **variables: Any) -> None:
        overrides = {f"vars.{key}": value for key, value in variables.items()}
        weasel.cli.run.project_run(project, name, overrides=overrides)

    return run
