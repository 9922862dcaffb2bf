"""Temperature, expected calibration error and thresholds."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.heads import expected_calibration_error, fit_temperature, tune_thresholds


def draw(logits: torch.Tensor, seed: int = 0) -> torch.Tensor:
    """Draw classes as probable as softmax says."""
    generator = torch.Generator().manual_seed(seed)
    return torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]


def make_logits(n: int = 4000, n_classes: int = 4, seed: int = 0) -> torch.Tensor:
    return 2.0 * torch.randn(n, n_classes, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_a_known_factor_is_recovered(factor: float) -> None:
    logits = make_logits()
    assert fit_temperature(logits * factor, draw(logits)) == pytest.approx(factor, rel=0.08)
    yes = torch.rand(logits.shape, generator=torch.Generator().manual_seed(1)) < logits.sigmoid()
    found = fit_temperature(logits * factor, yes.float(), kind="sigmoid")
    assert found == pytest.approx(factor, rel=0.08)


def test_it_calibrates() -> None:
    logits = make_logits()
    gold = draw(logits)
    temperature = fit_temperature(logits * 3, gold)

    def measure(scores: torch.Tensor) -> float:
        best = scores.softmax(1).max(1)
        return expected_calibration_error(best.values.numpy(), (best.indices == gold).numpy())

    assert measure(logits * 3) > 0.1
    assert measure(logits * 3 / temperature) < 0.03


def test_it_is_the_minimum_of_the_likelihood() -> None:
    logits = make_logits(500)
    gold = draw(logits * 0.5)

    def loss(t: float) -> float:
        likelihood = torch.nn.functional.cross_entropy(logits / t, gold, reduction="sum")
        return float(likelihood) + 0.5 * float(np.log(t)) ** 2

    found = fit_temperature(logits, gold)
    assert loss(found) <= min(loss(t) for t in np.geomspace(0.05, 20, 300)) + 1e-3


def test_nothing_to_fit_gives_one() -> None:
    assert fit_temperature(torch.zeros(0, 3), torch.zeros(0)) == 1.0
    assert fit_temperature(torch.zeros(2, 3), [-1, -1]) == 1.0
    assert fit_temperature(np.zeros((2, 3)), np.full((2, 3), np.nan), kind="sigmoid") == 1.0
    assert fit_temperature(torch.ones(1, 2), [0], weights=torch.zeros(1)) == 1.0
    # Scores that are all the same say nothing about temperature.
    assert fit_temperature(torch.zeros(5, 3), [0, 1, 2, 0, 1]) == pytest.approx(1.0, abs=1e-3)


def test_extremes_stay_in_bounds() -> None:
    all_wrong = torch.tensor([[50.0, 0.0]]).repeat(1000, 1)
    assert 0.05 <= fit_temperature(all_wrong, [1] * 1000) <= 20.0001
    right_but_unsure = torch.tensor([[1e-4, 0.0]]).repeat(1000, 1)
    assert 0.05 - 1e-6 <= fit_temperature(right_but_unsure, [0] * 1000) <= 20.0
    few_and_right = torch.tensor([[3.0, 0.0]]).repeat(3, 1)
    assert fit_temperature(few_and_right, [0] * 3) > 0.5
    assert np.isfinite(fit_temperature(torch.tensor([[float("-inf"), 1.0], [0.0, 1.0]]), [0, 1]))


def test_missing_and_weighted_targets() -> None:
    logits = make_logits(300)
    gold = draw(logits * 2)
    half = gold.clone()
    half[150:] = -1
    weights = torch.ones(300)
    weights[150:] = 0.0
    alone = fit_temperature(logits[:150], gold[:150])
    assert fit_temperature(logits, half) == pytest.approx(alone)
    assert fit_temperature(logits, gold, weights=weights) == pytest.approx(alone)
    twice = fit_temperature(torch.cat([logits, logits]), torch.cat([gold, gold]))
    assert fit_temperature(logits, gold, weights=torch.full((300,), 2.0)) == pytest.approx(twice)
    yes = (logits > 0.5).double()
    holes = yes.clone()
    holes[150:] = float("nan")
    alone = fit_temperature(logits[:150], yes[:150], kind="sigmoid")
    assert fit_temperature(logits, holes, kind="sigmoid") == pytest.approx(alone)


def test_temperature_says_what_does_not_fit() -> None:
    with pytest.raises(SettingError, match="softmax or sigmoid"):
        fit_temperature(torch.zeros(1, 2), [0], kind="tanh")
    with pytest.raises(SettingError, match="do not belong together"):
        fit_temperature(torch.zeros(2, 2), [0])
    with pytest.raises(SettingError, match="do not belong together"):
        fit_temperature(torch.zeros(2, 2), [0.0, 1.0], kind="sigmoid")
    with pytest.raises(SettingError, match="do not belong together"):
        fit_temperature(torch.zeros(1, 2), [0], weights=torch.ones(2))


def test_calibration_error_by_hand() -> None:
    # Two bins. (0, 0.5]: confidence 0.4 and 0.2, one right: |0.3 - 0.5| * 2 / 5.
    # (0.5, 1]: 0.9, 0.9 and 0.6, two right: |0.8 - 2 / 3| * 3 / 5.
    confidences, right = [0.4, 0.2, 0.9, 0.9, 0.6], [True, False, True, True, False]
    by_hand = 0.2 * 2 / 5 + (0.8 - 2 / 3) * 3 / 5
    assert expected_calibration_error(confidences, right, n_bins=2) == pytest.approx(by_hand)
    assert expected_calibration_error([0.5, 0.5], [True, False], n_bins=2) == 0.0


def test_calibration_error_of_edges() -> None:
    assert expected_calibration_error([], []) == 0.0
    assert expected_calibration_error([0.0, 1.0], [False, True]) == 0.0
    assert expected_calibration_error([0.0, 1.0], [True, False]) == 1.0
    with pytest.raises(SettingError):
        expected_calibration_error([0.5], [])
    with pytest.raises(SettingError):
        expected_calibration_error([0.5], [True], n_bins=0)


def score_f1(scores: np.ndarray, gold: np.ndarray, threshold: float) -> float:
    found = scores >= threshold
    return 2 * float((found & gold).sum()) / max(1.0, float(found.sum() + gold.sum()))


@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=25),
)
def test_thresholds_are_the_best(rows: list[tuple[int, bool]]) -> None:
    scores = np.array([score / 20 for score, _ in rows])
    gold = np.array([holds for _, holds in rows])
    (threshold,) = tune_thresholds(scores[:, None], gold[:, None].astype(float))
    if gold.all() or not gold.any():
        assert threshold == 0.5
        return
    best = max(score_f1(scores, gold, t) for t in [*np.unique(scores), 0.5])
    # A threshold at or below 0 would let everything through: scores of 0 are never chosen.
    positive = [score_f1(scores, gold, t) for t in np.unique(scores) if t > 0]
    expected = best if not (scores == 0).any() else max([*positive, 0.0])
    if positive:
        assert score_f1(scores, gold, threshold) == pytest.approx(expected)


def test_thresholds_of_labels_are_independent_and_know_gaps() -> None:
    scores = np.array([[0.9, 0.1, 0.3], [0.8, 0.3, 0.3], [0.3, 0.2, 0.4], [0.2, 0.05, 0.5]])
    nan = np.nan
    targets = np.array([[1, 0, 0], [1, 1, 0], [0, nan, 0], [0, 0, 0]], dtype=float)
    assert tune_thresholds(scores, targets) == pytest.approx([0.55, 0.2, 0.5])
    assert tune_thresholds(scores, targets, default=0.3)[2] == 0.3


def test_thresholds_of_nothing() -> None:
    assert tune_thresholds(np.zeros((0, 2)), np.zeros((0, 2))).tolist() == [0.5, 0.5]
    assert tune_thresholds(np.zeros((3, 0)), np.zeros((3, 0))).shape == (0,)
    with pytest.raises(SettingError):
        tune_thresholds(np.zeros((3, 2)), np.zeros((3, 1)))
