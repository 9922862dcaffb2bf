"""Confidences: the number says how often an entity with it is right."""

import numpy as np
import pytest
import torch
from torch import Tensor

from spacy_bert_plugin.heads import BiluoScheme, Transitions
from spacy_bert_plugin.heads.confidence import (
    FEWEST_ENTITIES,
    Confidence,
    fit_confidence,
    fit_line,
    log_loss,
    tune_outside,
)
from spacy_bert_plugin.heads.split import shift_outside
from spacy_bert_plugin.pieces import IntArray

SCHEME = BiluoScheme(["X"])
OUTSIDE, UNIT = 0, 4


def make_data(n_tokens: int, *, factor: float, seed: int = 0) -> tuple[Tensor, IntArray]:
    """Tokens that are an entity with a known probability, scored too surely by a factor."""
    random = np.random.default_rng(seed)
    probability = random.uniform(0.02, 0.98, n_tokens)
    gold = np.where(random.random(n_tokens) < probability, UNIT, OUTSIDE).astype(np.int64)
    scores = torch.full((n_tokens, 5), -60.0)
    scores[:, UNIT] = torch.from_numpy(factor * np.log(probability)).float()
    scores[:, OUTSIDE] = torch.from_numpy(factor * np.log1p(-probability)).float()
    return scores, gold


@pytest.mark.parametrize("factor", [0.7, 1.0, 3.0])
def test_the_temperature_is_found(factor: float) -> None:
    scores, gold = make_data(3000, factor=factor)
    fitted, report = fit_confidence(scores, [1] * 3000, None, gold, SCHEME)
    assert fitted.temperature == pytest.approx(factor, rel=0.3)
    assert fitted.slope == pytest.approx(1.0, abs=0.25)
    assert report["ece_after"] < 0.05
    if factor == 3.0:
        assert report["ece_before"] > 0.1


def test_confidences_are_right_that_often() -> None:
    scores, gold = make_data(4000, factor=4.0)
    fitted, _ = fit_confidence(scores, [1] * 4000, None, gold, SCHEME)
    scores, gold = make_data(4000, factor=4.0, seed=1)
    chosen = np.flatnonzero((scores[:, UNIT] > scores[:, OUTSIDE]).numpy())
    spans = np.stack([chosen, chosen + 1, np.zeros_like(chosen)], axis=1)
    shares = fitted.of(fitted.log_probs(scores, [1] * 4000, None, spans=spans))
    is_right = gold[chosen] == UNIT
    for low in (0.5, 0.65, 0.8):
        inside = (shares >= low) & (shares < low + 0.15)
        assert inside.sum() > 100
        assert is_right[inside].mean() == pytest.approx(shares[inside].mean(), abs=0.08)


def test_the_order_of_entities_stays() -> None:
    """Even where the surest are the most often wrong."""
    scores, gold = make_data(400, factor=2.0)
    wrong = np.where(gold == UNIT, OUTSIDE, UNIT).astype(np.int64)
    fitted, _ = fit_confidence(scores, [1] * 400, None, wrong, SCHEME)
    log_probs = torch.linspace(-5.0, -1e-3, 50)
    assert (np.diff(fitted.of(log_probs)) > 0.0).all()


def test_few_entities_change_nothing() -> None:
    n_tokens = FEWEST_ENTITIES - 1
    scores = torch.full((n_tokens, 5), -60.0)
    scores[:, UNIT] = 5.0
    gold = np.zeros(n_tokens, dtype=np.int64)
    fitted, report = fit_confidence(scores, [1] * n_tokens, None, gold, SCHEME)
    assert fitted == Confidence()
    assert report == {"n_entities": float(n_tokens)}


def test_no_tokens() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    fitted, report = fit_confidence(torch.zeros(0, 5), [], None, nothing, SCHEME)
    assert fitted == Confidence()
    assert report == {"n_entities": 0.0}


def test_entities_that_touch_unknown_tokens_do_not_count() -> None:
    scores, gold = make_data(200, factor=2.0)
    n_found = int((scores[:, UNIT] > scores[:, OUTSIDE]).sum())
    unknown = gold.copy()
    unknown[::2] = -1
    _, report = fit_confidence(scores, [1] * 200, None, unknown, SCHEME)
    expected = int((scores[1::2, UNIT] > scores[1::2, OUTSIDE]).sum())
    assert report["n_entities"] == expected < n_found


def test_extreme_scores_give_numbers() -> None:
    scores = torch.full((100, 5), -1e4)
    scores[:, UNIT] = 1e4
    gold = np.full(100, UNIT, dtype=np.int64)
    fitted, report = fit_confidence(scores, [100], None, gold, SCHEME)
    assert all(np.isfinite(list(report.values())))
    spans = np.array([[0, 1, 0]])
    (share,) = fitted.of(fitted.log_probs(scores, [100], None, spans=spans))
    assert 0.9 < share <= 1.0
    assert Confidence(slope=2.0).of(torch.tensor([-torch.inf, 0.0])).tolist() == pytest.approx(
        [0.0, 1.0], abs=1e-6
    )


def test_temperature_heats_transitions_too() -> None:
    transitions = Transitions(*(torch.ones(s) for s in ((3, 3), (1, 2, 2), (3,), (3,))))
    scores = torch.ones(2, 5)
    heated, lengths, cooled = Confidence(temperature=2.0).heat(scores, [2], transitions)
    assert torch.equal(heated, scores / 2)
    assert lengths == [2]
    assert cooled is not None
    assert float(cooled.inside.max()) == 0.5
    assert Confidence().heat(scores, [2], transitions) == (scores, [2], transitions)


@pytest.mark.parametrize(("shortfall", "expected"), [(0.0, 0.0), (1.1, -1.25), (-0.6, 0.75)])
def test_the_best_willingness_is_found(shortfall: float, expected: float) -> None:
    """Entities score too low, or the rest does, by a number: O is moved by the next step beyond."""
    gold = np.tile([UNIT, OUTSIDE], 20).astype(np.int64)
    scores = torch.full((40, 5), -60.0)
    scores[:, OUTSIDE] = 0.0
    scores[::2, UNIT] = 0.1 if shortfall <= 0.0 else -shortfall
    scores[1::2, UNIT] = -10.0 if shortfall >= 0.0 else -shortfall
    scores[::2, UNIT] += 10.0 if shortfall < 0.0 else 0.0
    assert tune_outside(scores, [4] * 10, None, gold, SCHEME) == expected
    shifted = shift_outside(scores, expected)
    assert (shifted.argmax(1).numpy() == gold).all()


def test_without_entities_nothing_is_moved() -> None:
    gold = np.zeros(3, dtype=np.int64)
    assert tune_outside(torch.zeros(3, 5), [3], None, gold, SCHEME) == 0.0
    nothing = np.zeros(0, dtype=np.int64)
    assert tune_outside(torch.zeros(0, 5), [], None, nothing, SCHEME) == 0.0


@pytest.mark.parametrize("n_right", [0, 1, 60])
@pytest.mark.parametrize("level", [-14.0, -4.0, 0.0, 14.0])
def test_a_line_never_makes_confidences_worse(n_right: int, level: float) -> None:
    """Nor do its steps run away where nearly all are wrong, or right."""
    odds = np.random.default_rng(0).normal(level, 0.5, size=60).clip(-14.0, 14.0)
    is_right = np.arange(60) < n_right
    slope, shift = fit_line(odds, is_right)
    assert np.isfinite([slope, shift]).all()
    assert log_loss(slope * odds + shift, is_right) <= log_loss(odds, is_right)
    Confidence(1.0, slope, shift).of(torch.tensor([-800.0, -14.0, -1e-9]))  # without a warning
