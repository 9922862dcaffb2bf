from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy

RunT = Callable[..., Any]


@pytest.fixture
def model(tmp_path: Path, tiny_checkpoint: Path) -> Path:
    """A pipeline with an encoder alone, and something beside it."""
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(tiny_checkpoint), "overlap": 8}})
    nlp.initialize()
    nlp.to_disk(tmp_path / "model")
    (tmp_path / "model" / ".env").write_text("x")
    return tmp_path / "model"


def test_dry_run_shows_what_would_go(run: RunT, model: Path) -> None:
    outcome = run("push", model, "owner/name", "--dry-run")
    assert outcome.code == 0
    assert "bert_transformer/model.safetensors" in outcome.text
    assert "Left out, as it is no part of the pipeline .env" in outcome.text
    assert (
        f"components.bert_transformer.model.name = {spacy.load(model).config}" not in outcome.text
    )
    assert "config.cfg names paths of this machine" in outcome.text
    assert "library_name: spacy" in outcome.text
    assert "Would upload" in outcome.text


def test_errors_are_messages(run: RunT, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = run("push", model / "vocab", "owner/name")
    assert (outcome.code, "is no trained pipeline" in outcome.text) == (1, True)
    outcome = run("push", model, "a b")
    assert (outcome.code, "cannot be a repository" in outcome.text) == (1, True)
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    outcome = run("push", model, "owner/name", "--token", "x")
    assert (outcome.code, "HF_HUB_OFFLINE is set" in outcome.text) == (1, True)
