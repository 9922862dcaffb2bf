"""What earlier releases have saved loads, says the same, and is saved again as it was."""

import json
from pathlib import Path

import pytest
import spacy
from watch import Watch

from tests.faults.make_golden import EXPECTED, GOLDEN, describe, make_golden

VERSIONS = sorted(path.name for path in GOLDEN.iterdir())


def assert_close(found: object, expected: object) -> None:
    if isinstance(expected, dict):
        assert isinstance(found, dict)
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert_close(found[key], value)
    elif isinstance(expected, list):
        assert isinstance(found, list)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_close(one, other)
    else:
        assert found == (pytest.approx(expected, abs=1e-4) if expected else expected)


@pytest.mark.parametrize("version", VERSIONS)
def test_says_what_it_said(version: str, tmp_path: Path) -> None:
    nlp = spacy.load(GOLDEN / version / "model")
    expected = json.loads((GOLDEN / version / EXPECTED).read_text())
    assert any(row["ents"] for row in expected)
    assert_close(describe(nlp), expected)
    nlp.to_disk(tmp_path / "model")
    assert_close(describe(spacy.load(tmp_path / "model")), expected)


@pytest.mark.parametrize("version", VERSIONS)
def test_loading_writes_nothing(version: str, tmp_path: Path) -> None:
    """So a model may lie where nothing can be written: a read-only disk, another user's folder."""
    watch = Watch(tmp_path)
    with watch.on() as found:
        spacy.load(GOLDEN / version / "model")("play music")
    assert found == []


def test_golden_models_can_be_made(tmp_path: Path, tiny_checkpoint: Path) -> None:
    make_golden(tmp_path, tiny_checkpoint)
    expected = json.loads((tmp_path / EXPECTED).read_text())
    assert_close(describe(spacy.load(tmp_path / "model")), expected)
