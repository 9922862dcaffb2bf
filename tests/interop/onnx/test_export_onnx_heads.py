"""Heads with the layers and outputs of other libraries, as ONNX files or refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.interop.onnx import export_onnx
from spacy_bert_plugin.interop.onnx.reader import OnnxModel

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
FIRST = {"@architectures": "spacy-bert-plugin.BertListener.v1", "pooling": "first"}
POOLED = "spacy-bert-plugin.BertPooledListener.v1"
BIO = ["O", "B-ROOM", "I-ROOM", "B-CITY", "I-CITY"]


@pytest.mark.parametrize(
    ("component", "head"),
    [
        ("bert_ner", {"tok2vec": FIRST, "features": [], "outputs": BIO, "scheme": "bio"}),
        ("bert_ner", {"features": [], "outputs": ["CITY", "ROOM", "O"], "scheme": "io"}),
        ("bert_textcat", {"hidden_width": 9, "activation": "tanh"}),
        ("bert_textcat", {"hidden_width": 9, "activation": "relu"}),
    ],
)
def test_same_scores(component: str, head: dict[str, Any], make_nlp: Any, tmp_path: Path) -> None:
    nlp = make_nlp(**{component.removeprefix("bert_"): head})
    export_onnx(nlp, tmp_path / "out", component=component)
    doc = nlp.make_doc("Book a table in New York, please")
    found = OnnxModel(tmp_path / "out").predict([doc])[0]
    nlp.get_pipe("bert_transformer")(doc)
    expected = nlp.get_pipe(component).model.predict([doc]).output.numpy()
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize(
    ("component", "head", "message"),
    [
        ("bert_ner", {"outputs": ["O", "B-ROOM", "B-CITY"], "scheme": "bio"}, "scheme"),
        ("bert_textcat", {"hidden_width": 9, "use_norm": True}, "norm"),
        ("bert_textcat", {"hidden_width": 9, "activation": "silu"}, "activation"),
        ("bert_textcat", {"hidden_width": 9, "use_bias": False}, "bias"),
        ("bert_textcat", {"tok2vec": {"@architectures": POOLED, "pooling": "pieces"}}, "pieces"),
    ],
)
def test_refused(
    component: str, head: dict[str, Any], message: str, make_nlp: Any, tmp_path: Path
) -> None:
    nlp = make_nlp(**{component.removeprefix("bert_"): head})
    with pytest.raises(SettingError, match=message):
        export_onnx(nlp, tmp_path / "out", component=component)
    assert not (tmp_path / "out").exists()
