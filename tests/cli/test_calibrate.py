from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example

from spacy_bert_plugin.cli.calibrate import calibrate_model, format_row
from spacy_bert_plugin.errors import SettingError

RunT = Callable[..., Any]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small pipeline with texts that it knows too well, and others beside it."""
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    tok2vec = {
        "@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 16,
        "depth": 1, "embed_size": 100, "window_size": 1, "maxout_pieces": 2,
        "subword_features": True,
    }  # fmt: skip
    nlp.add_pipe("bert_textcat", config={"model": {"tok2vec": tok2vec}, "exclusive": False})
    docs = []
    for number in range(20):
        doc = nlp.make_doc("play music" if number % 2 else "book a table")
        doc.cats = {"PLAY": float(number % 2 == (number % 5 > 0))}
        docs.append(doc)
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    nlp.initialize(lambda: examples)
    nlp.get_pipe("bert_textcat").cfg["temperature"] = 0.05
    nlp.to_disk(tmp_path / "model")
    DocBin(docs=docs).to_disk(tmp_path / "dev.spacy")
    return tmp_path / "model"


def test_command_calibrates_in_place(run: RunT, model: Path) -> None:
    (model / "notes.txt").write_text("mine")
    outcome = run("calibrate", model, model.parent / "dev.spacy")
    assert outcome.code == 0
    assert "ECE before" in outcome.text
    assert "bert_textcat" in outcome.text
    assert spacy.load(model).get_pipe("bert_textcat").temperature > 0.1
    assert (model / "notes.txt").read_text() == "mine"
    assert sorted(path.name for path in model.parent.iterdir()) == ["dev.spacy", "model"]


def test_another_folder_and_thresholds(model: Path) -> None:
    other = model.parent / "other"
    target, report = calibrate_model(
        str(model), model.parent / "dev.spacy", output=other, tune_thresholds=True
    )
    assert target == other
    assert report["bert_textcat"]["ece_after"] < report["bert_textcat"]["ece_before"]
    assert spacy.load(other).get_pipe("bert_textcat").cfg["thresholds"].keys() == {"PLAY"}
    assert spacy.load(model).get_pipe("bert_textcat").temperature == 0.05


def test_nothing_is_overwritten_unasked(run: RunT, model: Path) -> None:
    dev = model.parent / "dev.spacy"
    outcome = run("calibrate", model, dev, "--output", dev)
    assert outcome.code == 1
    assert "does not exist yet" in outcome.text
    with pytest.raises(SettingError, match="MODEL to be a folder"):
        calibrate_model("en_some_package", dev)


def test_texts_without_annotation_are_named(run: RunT, model: Path) -> None:
    DocBin(docs=[spacy.blank("en")("play")]).to_disk(model.parent / "dev.spacy")
    outcome = run("calibrate", model, model.parent / "dev.spacy")
    assert outcome.code == 0
    assert "left as it is" in outcome.text
    assert spacy.load(model).get_pipe("bert_textcat").temperature == 0.05


def test_rows() -> None:
    found = {"temperature": 1.5, "ece_before": 0.25, "ece_after": 0.0125}
    assert format_row("ner", found) == ["ner", "0.2500", "0.0125", "temperature 1.500"]
    assert format_row("ner", {}) == ["ner", "-", "-", "nothing"]
