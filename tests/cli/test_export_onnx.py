from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy

RunT = Callable[..., Any]

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def model(tmp_path: Path, tiny_checkpoint: Path) -> Path:
    """A pipeline with an encoder alone."""
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(tiny_checkpoint), "overlap": 8}})
    nlp.initialize()
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


def test_command_exports(run: RunT, model: Path) -> None:
    output = model.parent / "onnx"
    outcome = run("export-onnx", model, output, "--precision", "int8", "--skip", "down")
    assert outcome.code == 0
    assert "n_windows x length" in outcome.text
    assert "mean_cosine at least 0.97" in outcome.text
    from spacy_bert_plugin.interop.onnx import OnnxModel

    nlp = spacy.load(model)
    exported = OnnxModel(output)
    exported.check_pipeline(nlp)
    assert exported.feeding.precision == "int8"
    assert exported.predict([nlp.make_doc("play music")])[0].shape == (2, 32)


def test_errors_are_messages(run: RunT, model: Path) -> None:
    outcome = run("export-onnx", model, model.parent / "onnx", "--component", "bert_ner")
    assert (outcome.code, "the pipeline has bert_transformer" in outcome.text) == (1, True)
    outcome = run("export-onnx", model, model)
    assert (outcome.code, "more than an earlier export" in outcome.text) == (1, True)
    assert spacy.load(model).pipe_names == ["bert_transformer"]


def test_help_names_what_can_be_exported(run: RunT) -> None:
    outcome = run("export-onnx", "--help")
    assert (outcome.code, "bert_textcat" in outcome.text) == (0, True)
