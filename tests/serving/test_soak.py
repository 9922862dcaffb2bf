"""A short form of `benchmarks/soak.py`: what must not pile up is counted, and slopes are right."""

import gc
import random
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "benchmarks"))
soak = pytest.importorskip("soak")


def count() -> tuple[int, int, int]:
    """Docs, tensors and threads that are alive."""
    gc.collect()
    kinds = [type(item) for item in gc.get_objects()]
    n_docs = sum(issubclass(kind, Doc) for kind in kinds)
    return n_docs, kinds.count(torch.Tensor), threading.active_count()


def test_nothing_piles_up(model: Path) -> None:
    nlp = spacy.load(model)
    traffic = soak.Traffic(nlp, n_threads=2, longest=120)
    traffic.run(30, seed=0)  # what is made once is made
    traffic.zone.close()
    before, n_strings = count(), len(nlp.vocab.strings)
    traffic.run(60, seed=1)
    traffic.zone.close()
    assert traffic.n_texts >= 80
    assert traffic.n_tokens > 800
    assert count() == before
    # Zones forget strings but for those that spaCy itself keeps, of its tables and norms.
    assert len(nlp.vocab.strings) <= n_strings + 5


def test_a_thread_that_fails_is_heard(model: Path) -> None:
    traffic = soak.Traffic(spacy.load(model))
    traffic.nlp = None
    with pytest.raises(AttributeError):
        traffic.run(4, seed=0)


@pytest.mark.parametrize("growth", [0.0, 0.002])
def test_slopes_are_found(growth: float) -> None:
    draw = random.Random(0)
    readings = [(n * 100, 500 + growth * n * 100 + draw.gauss(0, 0.5)) for n in range(60)]
    row = soak.summarize(readings)
    low, high = row["interval"]
    assert low < growth * 1024_000 < high
    assert row["is_flat"] == (growth == 0.0)
    assert soak.fit_slope(np.arange(4.0), np.arange(4.0) * 3 + 1) == pytest.approx(3.0)
