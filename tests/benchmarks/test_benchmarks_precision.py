"""Settings, pairs, rows and picture of the benchmark of precision."""

from pathlib import Path
from typing import Any

import precision
import pytest
from precision_picture import draw_losses, list_changes

RATIO = {"median": 2.1, "low": 2.0, "high": 2.2, "minimum": 1.5, "maximum": 3.0}
SPEED = "2.10 (2.00 to 2.20)"
COSINE = {"mean": 1.0, "low": 0.99994}
RESULTS: dict[str, Any] = {
    "wnut17": {
        "metrics": ["ents_f"],
        "settings": {
            "fp32": {"scores": {"ents_f": 0.5}, "cosine": COSINE, "times_as_fast": RATIO},
            "int8": {"scores": {"ents_f": 0.497}, "cosine": None, "times_as_fast": RATIO},
        },
    }
}


def test_settings_name_what_is_overridden() -> None:
    prefix = "components.bert_transformer"
    settings = precision.list_settings(None)
    assert list(settings)[:4] == ["fp32", "bf16", "int8", "int8 without qkv"]
    assert settings["fp32"] == {f"{prefix}.precision": "fp32"}
    assert settings["int8"] == {f"{prefix}.precision": "int8", f"{prefix}.model.int8_skip": []}
    chosen = precision.list_settings(["down, up", "down.5"])
    assert list(chosen)[3:] == ["int8 without down, up", "int8 without down.5"]
    assert chosen["int8 without down, up"][f"{prefix}.model.int8_skip"] == ["down", "up"]
    assert len(precision.list_settings([])) == 3


def test_pairs_are_those_that_are_there(tmp_path: Path) -> None:
    assert precision.find_pairs(tmp_path) == []
    for name, split in (("snips", "validate.spacy"), ("wnut17", "test.spacy")):
        (tmp_path / "training" / name / "model-best").mkdir(parents=True)
        (tmp_path / "corpus" / name).mkdir(parents=True)
        (tmp_path / "corpus" / name / split).touch()
    (tmp_path / "training" / "rotten_tomatoes" / "model-best").mkdir(parents=True)
    pairs = precision.find_pairs(tmp_path)
    assert [(pair.name, pair.data.name) for pair in pairs] == [
        ("wnut17", "test.spacy"),
        ("snips", "validate.spacy"),
    ]


def test_rows_show_the_change() -> None:
    assert precision.list_rows(RESULTS) == [
        ("wnut17", "fp32", "ents_f 50.00 (+0.00)", "1.0000", "0.9999", SPEED),
        ("wnut17", "int8", "ents_f 49.70 (-0.30)", "", "", SPEED),
    ]
    assert precision.list_rows({}) == []


def test_the_picture_shows_points(tmp_path: Path) -> None:
    assert list_changes(RESULTS) == {"wnut17, ents_f": {"int8": pytest.approx(-0.3)}}
    draw_losses(tmp_path / "a.png", RESULTS, foot="here")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    draw_losses(tmp_path / "b.png", {}, foot="here")
    assert not (tmp_path / "b.png").exists()
