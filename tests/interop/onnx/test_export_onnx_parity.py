"""An exported model gives what the pipeline gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.training import Example

from spacy_bert_plugin.interop.onnx import OnnxModel, export_onnx

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

MakeT = Callable[..., Language]
TEXTS = [
    "play some music in the kitchen",
    "book a table in london, please: two at seven for tomorrow in the long house of the street",
    "",
    " \n ",
    "Rain?",
    "x",
]
LISTENER = "spacy-bert-plugin.BertListener.v1"
POOLED = "spacy-bert-plugin.BertPooledListener.v1"
ENCODER = "spacy-bert-plugin.BertEncoder.v1"


def expect(nlp: Language, name: str, texts: list[str]) -> list[np.ndarray]:
    """What the component's own model gives, through the pipeline."""
    docs = [nlp.make_doc(text) for text in texts]
    encoder = nlp.get_pipe("bert_transformer")
    activations = encoder.predict(docs)
    encoder.set_annotations(docs, activations)
    output = nlp.get_pipe(name).model.predict(docs)
    # A text has one row, also where its vectors come by token.
    lengths = [1] * len(docs) if name == "bert_textcat" else output.lengths
    ends = np.cumsum(lengths)[:-1]
    return np.split(output.output.numpy(), ends)


def check(nlp: Language, path: Path, component: str) -> None:
    export_onnx(nlp, path, component=component)
    got = OnnxModel(path).predict([nlp.make_doc(text) for text in TEXTS])
    expected = expect(nlp, component, TEXTS)
    assert [rows.shape for rows in got] == [rows.shape for rows in expected]
    for mine, theirs in zip(got, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"features": []},
        {"features": ["SHAPE"], "feature_window": 2, "hidden_width": 7},
        {"feature_window": 0, "use_crf": True},
        {"tok2vec": {"@architectures": LISTENER, "pooling": "first"}},
    ],
    ids=["default", "no-features", "wide-window-hidden", "crf", "first-piece"],
)
def test_tagger(make_nlp: MakeT, tmp_path: Path, settings: dict[str, Any]) -> None:
    check(make_nlp(ner=settings), tmp_path / "out", "bert_ner")


@pytest.mark.parametrize(
    "settings",
    [
        {"tok2vec": {"@architectures": POOLED, "pooling": "cls"}},
        {"tok2vec": {"@architectures": POOLED, "pooling": "pooler"}, "hidden_width": 5},
        {"tok2vec": {"@architectures": POOLED, "pooling": "mean"}},
        {"tok2vec": {"@architectures": LISTENER}, "pooling": "mean"},
        {"tok2vec": {"@architectures": LISTENER, "pooling": "first"}, "pooling": "mean"},
        {"tok2vec": {"@architectures": LISTENER}, "pooling": "attention"},
    ],
    ids=["cls", "pooler", "mean", "tokens-mean", "tokens-first", "attention"],
)
def test_text_classifier(make_nlp: MakeT, tmp_path: Path, settings: dict[str, Any]) -> None:
    check(make_nlp(textcat=settings), tmp_path / "out", "bert_textcat")


def test_encoder_of_its_own(make_nlp: MakeT, tiny_checkpoint: Path, tmp_path: Path) -> None:
    own = {
        "@architectures": ENCODER,
        "name": str(tiny_checkpoint),
        "output": "cls",
        "max_pieces": 12,
        "overlap": 2,
    }
    check(make_nlp(textcat={"tok2vec": own}), tmp_path / "out", "bert_textcat")


@pytest.mark.parametrize("component", ["encoder", "bert_transformer"])
def test_encoder(nlp: Language, tmp_path: Path, component: str) -> None:
    feeding = export_onnx(nlp, tmp_path / "out", component=component)
    assert feeding.agreement["max_difference"] <= 1e-4
    docs = [nlp.make_doc(text) for text in TEXTS]
    got = OnnxModel(tmp_path / "out").predict(docs)
    expected = [item.outputs["tokens"] for item in nlp.get_pipe("bert_transformer").predict(docs)]
    for mine, theirs in zip(got, expected, strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, atol=2e-5)


def test_alone_is_as_in_a_batch(nlp: Language, tmp_path: Path) -> None:
    export_onnx(nlp, tmp_path / "out", component="bert_ner")
    model = OnnxModel(tmp_path / "out")
    docs = [nlp.make_doc(text) for text in TEXTS]
    together = model.predict(docs)
    for doc, rows in zip(docs, together, strict=True):
        np.testing.assert_allclose(model.predict([doc])[0], rows, atol=2e-5)
    assert model.predict([]) == []


def test_precision_of_the_pipeline_does_not_matter(make_nlp: MakeT, tmp_path: Path) -> None:
    exact = export_onnx(make_nlp(), tmp_path / "a")
    auto = make_nlp(precision="auto")
    assert export_onnx(auto, tmp_path / "b").identity == exact.identity
    assert auto.get_pipe("bert_transformer").model.attrs["settings"].precision == "auto"


def test_int8_is_close_and_smaller(nlp: Language, tmp_path: Path) -> None:
    exact = export_onnx(nlp, tmp_path / "a", component="bert_ner")
    small = export_onnx(nlp, tmp_path / "b", component="bert_ner", precision="int8")
    assert exact.agreement["mean_cosine"] > small.agreement["mean_cosine"] >= 0.97
    sizes = [(tmp_path / name / "model.onnx").stat().st_size for name in "ab"]
    assert sizes[1] < sizes[0]
    near = export_onnx(nlp, tmp_path / "c", precision="int8", skip=["qkv", "up.0", "up.1", "down"])
    far = export_onnx(nlp, tmp_path / "d", precision="int8")
    assert near.agreement["max_difference"] < far.agreement["max_difference"]


def test_training_changes_what_is_exported(nlp: Language, tmp_path: Path) -> None:
    before = export_onnx(nlp, tmp_path / "a", component="bert_textcat")
    example = Example.from_dict(nlp.make_doc("play"), {"cats": {"PLAY": 1.0, "BOOK": 0.0}})
    nlp.update([example], sgd=nlp.resume_training())
    after = export_onnx(nlp, tmp_path / "a", component="bert_textcat")
    names = [name for name in before.identity if before.identity[name] != after.identity[name]]
    assert names == ["encoder weights", "head weights"]
