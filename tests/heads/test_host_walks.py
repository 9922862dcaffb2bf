"""Walks in numpy give what walks in torch give."""

import numpy as np
import pytest
import torch

from spacy_bert_plugin.heads import BiluoScheme, posteriors, viterbi
from spacy_bert_plugin.heads.biluo import find_legal
from spacy_bert_plugin.heads.host_walks import search, span_log_probs_on_host

LENGTHS = [7, 0, 1, 12, 3, 1, 0, 2]
N_LABELS = 3


def draw(seed: int, *, factor: float = 3.0, n_labels: int = N_LABELS) -> torch.Tensor:
    torch.manual_seed(seed)
    return torch.randn(sum(LENGTHS), 1 + 4 * n_labels) * factor


@pytest.fixture
def on_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the way of scores on a device."""
    for module in (posteriors, viterbi):
        monkeypatch.setattr(module, "is_on_host", lambda scores: False)


@pytest.mark.usefixtures("on_device")
@pytest.mark.parametrize("n_labels", [1, N_LABELS])
@pytest.mark.parametrize("seed", range(8))
def test_the_best_tags_are_those_of_torch(seed: int, n_labels: int) -> None:
    scores = draw(seed, n_labels=n_labels)
    expected = viterbi.best_tags(scores, LENGTHS).numpy()
    found = search(scores.numpy(), np.array(LENGTHS))
    np.testing.assert_array_equal(found, expected)
    assert find_legal(found, np.array(LENGTHS)).all()
    assert (found > 0).any()


@pytest.mark.usefixtures("on_device")
@pytest.mark.parametrize("scale", [1.0, 0.4])
@pytest.mark.parametrize("seed", range(8))
def test_the_probabilities_of_entities_are_those_of_torch(seed: int, scale: float) -> None:
    scores = draw(seed)
    tags = viterbi.best_tags(scores, LENGTHS).numpy()
    spans = BiluoScheme(["A", "B", "C"]).decode(tags, LENGTHS)
    assert len(spans) > 3
    expected = posteriors.span_log_probs(scores, LENGTHS, spans=spans, scale=scale)
    found = span_log_probs_on_host(scores * scale, np.array(LENGTHS), spans)
    assert found is not None
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_shares_that_vanish_are_left_to_logarithms() -> None:
    scores = torch.zeros(2, 5)
    scores[:, 1] = 500.0  # "B" twice: every legal way is beyond what fp32 can hold
    spans = np.array([[0, 2, 0]])
    assert span_log_probs_on_host(scores, np.array([2]), spans) is None
    found = posteriors.span_log_probs(scores, [2], spans=spans)
    # B L against O O, U U, O U, U O: one way with a score of 500, four with 0.
    assert float(found) == pytest.approx(0.0, abs=1e-6)
    other = posteriors.span_log_probs(scores, [2], spans=np.array([[0, 1, 0]]))
    assert float(other) == pytest.approx(float(np.log(2.0)) - 500.0, rel=1e-4)


def test_nothing_in_nothing_out() -> None:
    assert search(np.zeros((0, 5), dtype=np.float32), np.zeros(0, dtype=np.int64)).shape == (0,)
    assert search(np.zeros((0, 5), dtype=np.float32), np.array([0, 0])).shape == (0,)
