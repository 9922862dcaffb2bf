"""The width of an encoder before it has weights."""

from pathlib import Path
from typing import Any

import pytest

from spacy_bert_plugin.checkpoints import find_width
from spacy_bert_plugin.layers import build_bert_encoder_v1


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [({"width": 32}, 32), ({}, None), ({"width": 0}, None), ({"width": "32"}, None)],
)
def test_of_random_weights(sizes: dict[str, Any], expected: int | None) -> None:
    assert find_width(None, sizes) == expected


def test_of_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_width("minilm-l6", {}) == 384
    assert find_width("owner/model", {}) is None
    (tmp_path / "minilm-l6").mkdir()
    assert find_width("minilm-l6", {}) is None, "a folder of that name comes first"


def test_model_tells_it_at_once(tiny_checkpoint: Path) -> None:
    model = build_bert_encoder_v1(name=None, sizes={"width": 32}, tokenizer=str(tiny_checkpoint))
    assert model.maybe_get_dim("nO") == 32
    assert build_bert_encoder_v1(name=str(tiny_checkpoint)).has_dim("nO") is None
