"""What goes out: labels, scores, model card; and what transformers cannot hold."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from hub_models import TEXTS
from safetensors.torch import load_file
from spacy.language import Language
from spacy.training import Example

from spacy_bert_plugin.errors import BertPluginError, SettingError
from spacy_bert_plugin.interop.huggingface import compare_logits, export_pipeline

TOKENS_FIRST = {"@architectures": "spacy-bert-plugin.BertListener.v1", "pooling": "first"}
POOLED = "spacy-bert-plugin.BertPooledListener.v1"
TAGGER = {"tok2vec": TOKENS_FIRST, "features": []}
CLASSIFIER = {"tok2vec": {"@architectures": POOLED, "pooling": "pooler"}}


def make_pipeline(checkpoint: Path, precision: str = "fp32", **heads: dict[str, Any]) -> Language:
    nlp = spacy.blank("en")
    model = {"name": str(checkpoint), "overlap": 8, "precision": precision}
    nlp.add_pipe("bert_transformer", config={"model": model})
    for factory, config in heads.items():
        nlp.add_pipe(factory, config=config)
    doc = nlp.make_doc("hello new york")
    gold = {"entities": [(6, 14, "LOC")], "cats": {"good": 1.0, "bad": 0.0}}
    torch.manual_seed(0)
    nlp.initialize(lambda: [Example.from_dict(doc, gold)])
    for factory in heads:  # so that biases count as well
        module = nlp.get_pipe(factory).model.shims[0].module  # type: ignore[attr-defined]
        with torch.no_grad():
            module.output.bias.normal_()
    return nlp


def run_hub(path: Path, auto: str, text: str) -> tuple[Any, torch.Tensor]:
    import transformers

    model = getattr(transformers, auto).from_pretrained(path).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    with torch.inference_mode():
        logits: torch.Tensor = model(**tokenizer(text, return_tensors="pt")).logits[0]
    return model.config, logits


def test_our_tagger_goes_out_with_biluo_labels(tiny_checkpoint: Path, tmp_path: Path) -> None:
    nlp = make_pipeline(tiny_checkpoint, bert_ner={"model": TAGGER})
    report = export_pipeline(nlp, tmp_path / "plain")
    assert report.outputs == ["O", "B-LOC", "I-LOC", "L-LOC", "U-LOC"]
    assert report.architecture == "BertForTokenClassification"
    found = compare_logits(nlp, "bert_ner", tmp_path / "plain", TEXTS)
    assert found.largest < 1e-4
    assert found.n_changed == 0

    nlp.get_pipe("bert_ner").cfg["outside_bias"] = 1.5  # type: ignore[attr-defined]
    report = export_pipeline(nlp, tmp_path / "biased")
    assert any("outside_bias = 1.5" in note for note in report.notes)
    (_, plain), (config, biased) = (
        run_hub(tmp_path / name, report.opens_with, "hello new york")
        for name in ("plain", "biased")
    )
    assert torch.allclose(biased - plain, torch.tensor([1.5, 0, 0, 0, 0]), atol=1e-5)
    assert config.label2id["U-LOC"] == 4


def test_probabilities_of_categories_go_out(tiny_checkpoint: Path, tmp_path: Path) -> None:
    config = {"model": CLASSIFIER, "exclusive": False}
    nlp = make_pipeline(tiny_checkpoint, bert_textcat=config)
    nlp.get_pipe("bert_textcat").cfg.update(  # type: ignore[attr-defined]
        temperature=2.5, thresholds={"good": 0.3}
    )
    report = export_pipeline(nlp, tmp_path / "out")
    found, logits = run_hub(tmp_path / "out", "AutoModelForSequenceClassification", "hello world")
    assert found.problem_type == "multi_label_classification"
    cats = nlp("hello world").cats
    names = [found.id2label[i] for i in range(2)]
    assert np.allclose(logits.sigmoid().numpy(), [cats[n] for n in names], atol=1e-5)
    assert any("temperature" in note for note in report.notes)
    assert any("good 0.3" in note for note in report.notes)


def test_weights_are_float32_whatever_the_precision(tiny_checkpoint: Path, tmp_path: Path) -> None:
    for precision in ("fp32", "int8"):
        nlp = make_pipeline(tiny_checkpoint, precision)
        assert export_pipeline(nlp, tmp_path / precision).architecture == "BertModel"
    files = [(tmp_path / p / "model.safetensors").read_bytes() for p in ("fp32", "int8")]
    assert files[0] == files[1]
    weights = load_file(tmp_path / "int8" / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}

    import transformers

    model = transformers.AutoModel.from_pretrained(tmp_path / "int8").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "int8")
    with torch.inference_mode():
        last = model(**tokenizer("hello", return_tensors="pt")).last_hidden_state
    nlp = make_pipeline(tiny_checkpoint)
    assert np.allclose(nlp("hello").vector, last[0, 1:-1].mean(0).numpy(), atol=1e-5)


def test_model_card_is_filled_in(tiny_checkpoint: Path, tmp_path: Path) -> None:
    nlp = make_pipeline(tiny_checkpoint, bert_ner={"model": TAGGER})
    nlp.meta.update(
        name="places", description='Finds "places": all.', license="MIT", author="Somebody",
        performance={"ents_f": 0.875, "cats_score": 0.5},
    )  # fmt: skip
    export_pipeline(nlp, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf8")
    _, header, body = card.split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in header.splitlines())
    values = {key: json.loads(value) for key, value in fields.items()}
    assert values["pipeline_tag"] == "token-classification"
    assert values["license"] == "mit"
    assert values["model-index"][0]["results"][0]["metrics"] == [
        {"name": "F score of entities", "type": "f1", "value": 0.875}
    ]
    assert 'Finds "places": all.' in body
    assert "| F score of entities | 87.50 |" in body
    assert "cats" not in body
    assert "`B-LOC`" in body
    assert "Author: Somebody" in body


def list_refused() -> Iterator[tuple[str, dict[str, Any], str]]:
    mean = {"@architectures": "spacy-bert-plugin.BertListener.v1", "pooling": "mean"}
    pooled = {"@architectures": POOLED, "pooling": "mean"}
    yield "bert_ner", {"tok2vec": TOKENS_FIRST}, r"features = \[\]"
    yield "bert_ner", {**TAGGER, "tok2vec": mean}, 'pooling = "first"'
    yield "bert_ner", {**TAGGER, "use_crf": True}, "use_crf = false"
    yield "bert_ner", {**TAGGER, "hidden_width": 8}, "hidden_width = 0"
    yield "bert_textcat", {**CLASSIFIER, "hidden_width": 32}, "hidden_width = 0"
    yield "bert_textcat", {"tok2vec": pooled}, 'pooling = "pooler"'
    yield "bert_textcat", {"tok2vec": mean, "pooling": "attention"}, 'pooling = "given"'
    yield "bert_textcat", {"tok2vec": mean}, 'pooling = "pooler"'
    cnn = {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "width": 8,
        "depth": 1,
        "embed_size": 9,
        "window_size": 1,
        "maxout_pieces": 2,
        "subword_features": True,
        "pretrained_vectors": None,
    }
    yield "bert_textcat", {"tok2vec": cnn}, "Expected a listener"


@pytest.mark.parametrize(("factory", "model", "message"), [*list_refused()])
def test_what_transformers_cannot_hold_is_named(
    factory: str, model: dict[str, Any], message: str, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    nlp = make_pipeline(tiny_checkpoint, **{factory: {"model": model}})
    with pytest.raises(SettingError, match=message):
        export_pipeline(nlp, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_which_component(tiny_checkpoint: Path, tmp_path: Path) -> None:
    nlp = make_pipeline(
        tiny_checkpoint, bert_ner={"model": TAGGER}, bert_textcat={"model": CLASSIFIER}
    )
    with pytest.raises(SettingError, match="bert_ner, bert_textcat"):
        export_pipeline(nlp, tmp_path / "out")
    with pytest.raises(SettingError, match="parser"):
        export_pipeline(nlp, tmp_path / "out", component="parser")
    with pytest.raises(SettingError, match="onnx"):
        export_pipeline(nlp, tmp_path / "out", to="onnx")
    assert list(tmp_path.iterdir()) == []
    report = export_pipeline(nlp, tmp_path / "out", component="bert_transformer")
    assert report.opens_with == "AutoModel"
    with pytest.raises(BertPluginError, match="not an empty folder"):
        export_pipeline(nlp, tmp_path / "out", component="bert_ner")
    with pytest.raises(SettingError, match="no components"):
        export_pipeline(spacy.blank("en"), tmp_path / "other")


def test_a_head_without_weights(tiny_checkpoint: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(tiny_checkpoint)}})
    with pytest.raises(SettingError, match="no weights yet"):
        export_pipeline(nlp, tmp_path / "out")
    nlp.add_pipe("bert_textcat")
    with pytest.raises(SettingError, match="'bert_textcat' has no weights yet"):
        export_pipeline(nlp, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
