"""The benchmark of vectors in short: both systems, the table, and what is written."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import embeddings
import numpy as np
import pytest
from machine import describe_machine
from tiny_models import make_tiny_checkpoint

TEXTS = ["book a table", "play some music in the kitchen", "", "is it raining ?"]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return make_tiny_checkpoint(tmp_path / "tiny")


def mean_vectors(checkpoint: Path, texts: list[str]) -> Any:
    """Plain Python around transformers: the mean of all pieces, length one."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(checkpoint))
    model = AutoModel.from_pretrained(str(checkpoint)).eval()
    rows = []
    for text in texts:
        with torch.no_grad():
            last = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        rows.append((last.mean(0) / last.mean(0).norm()).numpy())
    return np.stack(rows)


def test_ours_are_the_vectors_of_the_weights(checkpoint: Path) -> None:
    ours = embeddings.make_ours(SimpleNamespace(checkpoint=checkpoint), "fp32")
    texts = [text for text in TEXTS if text]
    np.testing.assert_allclose(ours(texts), mean_vectors(checkpoint, texts), atol=1e-5)


def test_theirs_is_the_library(checkpoint: Path) -> None:
    pytest.importorskip("sentence_transformers")
    theirs = embeddings.make_theirs(SimpleNamespace(checkpoint=checkpoint), 2)
    texts = [text for text in TEXTS if text]
    np.testing.assert_allclose(theirs(texts), mean_vectors(checkpoint, texts), atol=1e-5)


def test_systems_take_turns_and_are_compared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    calls: list[str] = []

    def make(name: str, *, seconds: float, angle: float) -> embeddings.EmbedT:
        def embed(texts: Any) -> Any:
            calls.append(name)
            clock[0] += seconds
            return np.tile([np.cos(angle), np.sin(angle)], (len(texts), 1))

        return embed

    monkeypatch.setattr(embeddings.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(embeddings, "RESULTS", tmp_path)
    names = ("bert_embedder, fp32", "sentence-transformers, slow", "sentence-transformers, quick")
    systems = {
        names[0]: make("ours", seconds=1.0, angle=0.0),
        names[1]: make("slow", seconds=4.0, angle=0.0),
        names[2]: make("quick", seconds=2.0, angle=0.1),
    }
    rates, vectors = embeddings.measure(systems, TEXTS, n_pieces=20, n_rounds=2)
    assert calls == ["ours", "slow", "quick"] * 3  # the first round warms up
    assert rates == {names[0]: [20.0] * 2, names[1]: [5.0] * 2, names[2]: [10.0] * 2}
    embeddings.report(describe_machine(threads=1), {}, rates, vectors)
    found = json.loads((tmp_path / "embeddings.json").read_text())
    assert found["best"] == names[2]  # the fastest of theirs is what counts
    ours = found["systems"][names[0]]
    assert ours["over_sentence_transformers"]["median"] == pytest.approx(2.0)
    assert ours["least_cosine"] == pytest.approx(np.cos(0.1))
    assert ours["largest_difference"] == pytest.approx(np.sin(0.1))
    assert (tmp_path / "embeddings.png").stat().st_size > 1000
    assert "bert_embedder, fp32" in capsys.readouterr().out
