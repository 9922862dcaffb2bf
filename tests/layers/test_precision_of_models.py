"""precision = "int8" of a model: predictions only, layers by name, errors that say what to do."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch

from spacy_bert_plugin.encoder import has_int8
from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.layers import build_bert_encoder_v1
from spacy_bert_plugin.layers.precision import CPU_PIECES, DEVICE_PIECES, find_budget

NLP = spacy.blank("en")
DOCS = list(NLP.pipe(["the house is good", "", "rain tomorrow in the house"]))
needs_int8 = pytest.mark.skipif(
    not (torch.cpu._is_vnni_supported() and has_int8()), reason="this processor has no int8 kernels"
)


def make_model(path: Path, **settings: Any) -> Any:
    return build_bert_encoder_v1(str(path), overlap=8, **settings).initialize()


@needs_int8
def test_int8_predicts_nearly_the_same(tiny_checkpoint: Path) -> None:
    exact = np.concatenate(make_model(tiny_checkpoint).predict(DOCS))
    found = np.concatenate(make_model(tiny_checkpoint, precision="int8").predict(DOCS))
    norms = np.linalg.norm(exact, axis=1) * np.linalg.norm(found, axis=1)
    assert float(((exact * found).sum(axis=1) / norms).min()) > 0.98
    assert np.abs(exact - found).max() > 1e-4


@needs_int8
def test_skipped_maps_are_nearer(tiny_checkpoint: Path) -> None:
    exact = np.concatenate(make_model(tiny_checkpoint).predict(DOCS))
    gaps = []
    for skip in ([], ["up", "down"], ["qkv", "output", "up", "down"]):
        model = make_model(tiny_checkpoint, precision="int8", int8_skip=skip)
        gaps.append(float(np.abs(np.concatenate(model.predict(DOCS)) - exact).mean()))
    assert gaps[0] > gaps[1] > gaps[2]


@needs_int8
def test_int8_cannot_be_trained(tiny_checkpoint: Path) -> None:
    model = make_model(tiny_checkpoint, precision="int8")
    with pytest.raises(SettingError, match="optimize"):
        model.begin_update(DOCS)


def test_int8_without_kernels_is_an_error(
    tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacy_bert_plugin.layers.precision.has_int8", lambda: False)
    with pytest.raises(SettingError, match="int8"):
        make_model(tiny_checkpoint, precision="int8").predict(DOCS)


@pytest.mark.parametrize("skip", [["middle"], ["down.x"], ["down."], ["down", "up.-1"], ["down.9"]])
def test_unknown_maps_are_an_error(tiny_checkpoint: Path, skip: list[str]) -> None:
    with pytest.raises(SettingError, match="int8_skip"):
        make_model(tiny_checkpoint, precision="int8", int8_skip=skip)


def test_budget_suits_the_device(tiny_checkpoint: Path) -> None:
    settings = make_model(tiny_checkpoint).attrs["settings"]
    assert find_budget(settings, torch.device("cpu")) == CPU_PIECES
    assert find_budget(settings, torch.device("cuda")) == DEVICE_PIECES
    small = make_model(tiny_checkpoint, batch_pieces=77).attrs["settings"]
    assert find_budget(small, torch.device("cuda")) == 77
