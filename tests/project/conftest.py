"""The scripts of the project, importable, and its files in a folder of their own."""

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))


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
