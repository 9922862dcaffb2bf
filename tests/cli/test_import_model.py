"""`spacy-bert import` and `export`, from a folder of transformers and back."""

import json
from pathlib import Path

import pytest
import spacy
import torch
from typer.testing import CliRunner

from spacy_bert_plugin.cli.import_model import is_pipeline
from spacy_bert_plugin.cli.main import app


@pytest.fixture
def classifier(tmp_path: Path, tokenizer_json: str) -> Path:
    """Folder of a tiny RoBERTa with two categories."""
    from transformers import RobertaConfig, RobertaForSequenceClassification

    config = RobertaConfig(
        vocab_size=len(json.loads(tokenizer_json)["model"]["vocab"]), hidden_size=16,
        num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=34, pad_token_id=0, id2label={0: "good", 1: "bad"},
        label2id={"good": 0, "bad": 1}, initializer_range=0.3,
    )  # fmt: skip
    torch.manual_seed(0)
    RobertaForSequenceClassification(config).save_pretrained(tmp_path / "hub")
    (tmp_path / "hub" / "tokenizer.json").write_text(tokenizer_json, encoding="utf8")
    return tmp_path / "hub"


def test_in_and_out(classifier: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("hello world\n\nplay some music in paris\n", encoding="utf8")
    pipeline, back = tmp_path / "pipeline", tmp_path / "back"
    run = CliRunner().invoke
    made = run(app, ["import", str(classifier), str(pipeline), "--texts", str(texts)])
    assert made.exit_code == 0, made.output
    for word in ("textcat", "bert_textcat", "good, bad", "largest difference", "softmax"):
        assert word in made.stdout
    assert set(spacy.load(pipeline)("hello").cats) == {"good", "bad"}
    written = run(app, ["export", str(pipeline), str(back), "--to", "hf"])
    assert written.exit_code == 0, written.output
    assert "RobertaForSequenceClassification" in written.stdout
    again = run(app, ["import", str(back), str(tmp_path / "again"), "--multilabel"])
    assert again.exit_code == 0, again.output
    assert "sigmoid" in again.stdout


def test_labels_and_language(classifier: Path, tmp_path: Path) -> None:
    options = ["--labels", "gut, schlecht", "--lang", "de", "--exclusive"]
    made = CliRunner().invoke(app, ["import", str(classifier), str(tmp_path / "out"), *options])
    assert made.exit_code == 0, made.output
    nlp = spacy.load(tmp_path / "out")
    assert nlp.lang == "de"
    assert set(nlp("Haus").cats) == {"gut", "schlecht"}


@pytest.mark.parametrize("command", ["import", "export"])
def test_errors_are_messages(command: str, tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    (source / "config.json").write_text("{}")
    result = CliRunner().invoke(app, [command, str(source), str(out)])
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert not out.exists()


def test_pipelines_are_told_from_checkpoints(tmp_path: Path) -> None:
    assert not is_pipeline(str(tmp_path))
    assert not is_pipeline("owner/model")
    (tmp_path / "meta.json").write_text("{}")
    assert is_pipeline(str(tmp_path))
