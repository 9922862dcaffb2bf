"""Confidences that mean what they say: temperature, its measure, and thresholds.

Papers: Guo et al. 2017, On Calibration of Modern Neural Networks, https://arxiv.org/abs/1706.04599
(temperature, expected calibration error); Lipton et al. 2014, Thresholding Classifiers to Maximize
F1 Score, https://arxiv.org/abs/1402.1892 (thresholds).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import Errors, SettingError

Floats = npt.NDArray[np.floating[Any]]
MISSING = -1
COLDEST, HOTTEST = 0.05, 20.0
N_GRID, N_SECTIONS = 25, 30
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
DEFAULT_THRESHOLD = 0.5


def fit_temperature(
    logits: Tensor | Floats,
    targets: Tensor | npt.NDArray[Any] | Sequence[Any],
    *,
    kind: str = "softmax",
    weights: Tensor | Floats | None = None,
) -> float:
    """Find the temperature T for which `logits / T` explain the targets best.

    The likelihood is joined by a wide prior around T = 1 that weighs as much as a single row, so
    that a small set on which everything is right does not end in absolute certainty.

    logits: Scores before softmax or sigmoid.
    targets: With "softmax" the index of the right class, -1 where it is not known; with "sigmoid"
        0 or 1 for each logit, NaN where it is not known.
    kind: "softmax" or "sigmoid".
    weights: How much each target counts, all the same unless given.
    RETURNS: From 0.05 to 20; 1.0 where there is nothing to fit.
    Shape: softmax: logits (n, n_classes), targets and weights (n,). sigmoid: all of one shape.
    Raises: SettingError if `kind` is neither, or shapes do not fit.
    """
    if kind not in ("softmax", "sigmoid"):
        got = Errors.SB002.format(name="kind", expected="softmax or sigmoid", got=kind)
        raise SettingError(got)
    scores = torch.as_tensor(logits).detach().double().cpu()
    gold = torch.as_tensor(targets).detach().cpu()
    counts = torch.ones(gold.shape) if weights is None else torch.as_tensor(weights)
    counts = counts.detach().double().cpu()
    expected = scores.shape[:1] if kind == "softmax" else scores.shape
    if gold.shape != expected or counts.shape != expected:
        got = f"targets {tuple(gold.shape)} and weights {tuple(counts.shape)}"
        raise SettingError(Errors.SB380.format(logits=tuple(scores.shape), got=got))
    select = _select_softmax if kind == "softmax" else _select_sigmoid
    scores, gold, counts = select(scores, gold, counts)
    if not len(scores):
        return 1.0
    loss = _softmax_loss if kind == "softmax" else _sigmoid_loss

    def objective(log_t: float) -> float:
        return float((loss(scores * math.exp(-log_t), gold) * counts).sum()) + 0.5 * log_t**2

    return math.exp(_minimize(objective, math.log(COLDEST), math.log(HOTTEST)))


def expected_calibration_error(
    confidences: Floats | Sequence[float],
    is_correct: npt.NDArray[Any] | Sequence[bool],
    *,
    n_bins: int = 15,
) -> float:
    """Measure how far confidence is from the share of answers that are right.

    The mean over bins of equal width of |mean confidence - share of right answers|, each bin
    weighted by the answers in it.

    RETURNS: From 0 (calibrated) to 1; 0.0 where there are no answers.
    Shape: both (n,).
    Raises: SettingError if the shapes differ or `n_bins` is below 1.
    """
    counts, promised, kept = sum_bins(confidences, is_correct, n_bins=n_bins)
    return float(np.abs(promised - kept).sum() / max(counts.sum(), 1))


def sum_bins(
    confidences: Floats | Sequence[float],
    is_correct: npt.NDArray[Any] | Sequence[bool],
    *,
    n_bins: int,
) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Sort answers into bins of equal width by their confidence, and add each bin up.

    RETURNS: Answers in each bin, the sum of their confidences, and how many are right.
    Shape: both (n,) -> (n_bins,) each.
    Raises: SettingError if the shapes differ or `n_bins` is below 1.
    """
    given = np.asarray(confidences, dtype=np.float64).reshape(-1)
    right = np.asarray(is_correct, dtype=np.float64).reshape(-1)
    if given.shape != right.shape or n_bins < 1:
        got = f"{len(right)} answers and {n_bins} bins"
        raise SettingError(Errors.SB380.format(logits=given.shape, got=got))
    # Bins are open to the left, as in the paper: (0, 1/15], (1/15, 2/15], ...
    index = np.clip(np.ceil(given * n_bins).astype(np.int64) - 1, 0, n_bins - 1)
    counts: npt.NDArray[np.int64] = np.bincount(index, minlength=n_bins).astype(np.int64)
    promised: Floats = np.bincount(index, weights=given, minlength=n_bins).astype(np.float64)
    kept: Floats = np.bincount(index, weights=right, minlength=n_bins).astype(np.float64)
    return counts, promised, kept


def tune_thresholds(
    scores: Floats,
    targets: Floats,
    *,
    default: float = DEFAULT_THRESHOLD,
) -> Floats:
    """Find for each label the threshold with the best F1: a label holds from it on.

    Of several that are equally good the one nearest to `default` is taken; a label that never
    holds in the targets, or always, keeps `default`.

    scores: From 0 to 1.
    targets: 0 or 1, NaN where it is not known.
    Shape: scores and targets (n, n_labels) -> (n_labels,).
    Raises: SettingError if the shapes differ.
    """
    given, gold = np.asarray(scores, np.float64), np.asarray(targets, np.float64)
    if given.shape != gold.shape or given.ndim != 2:
        raise SettingError(Errors.SB380.format(logits=given.shape, got=f"targets {gold.shape}"))
    columns = [_tune_label(given[:, i], gold[:, i], default) for i in range(given.shape[1])]
    return np.array(columns, dtype=np.float64)


def _tune_label(scores: Floats, targets: Floats, default: float) -> float:
    is_known = ~np.isnan(targets)
    order = np.argsort(-scores[is_known], kind="stable")
    ranked, gold = scores[is_known][order], targets[is_known][order] > 0.5
    if not gold.any() or gold.all():
        return default
    hits = np.cumsum(gold)
    f1 = 2.0 * hits / (np.arange(1, len(gold) + 1) + hits[-1])
    # A threshold lies between two scores that differ, halfway: that is safest on other texts.
    below = np.append(ranked[1:], 0.0)
    is_border = ranked > below
    is_best = is_border & (f1 >= f1[is_border].max(initial=0.0) - 1e-12)
    cuts = ((ranked + below) / 2.0)[is_best]
    if not len(cuts):
        return default
    return float(cuts[np.abs(cuts - default).argmin()])


def _select_softmax(scores: Tensor, gold: Tensor, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Keep the rows whose class is known and possible."""
    is_known = (gold != MISSING) & (counts > 0)
    scores, gold, counts = scores[is_known], gold[is_known].long(), counts[is_known]
    is_possible = scores.gather(1, gold[:, None])[:, 0].isfinite()
    return scores[is_possible], gold[is_possible], counts[is_possible]


def _select_sigmoid(scores: Tensor, gold: Tensor, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Keep what is known, flat."""
    gold = gold.double()
    is_known = ~gold.isnan() & (counts > 0) & scores.isfinite()
    return scores[is_known], gold[is_known], counts[is_known]


def _softmax_loss(scores: Tensor, gold: Tensor) -> Tensor:
    return F.cross_entropy(scores, gold, reduction="none")


def _sigmoid_loss(scores: Tensor, gold: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(scores, gold, reduction="none")


def _minimize(function: Callable[[float], float], low: float, high: float) -> float:
    """Find the minimum: a grid, then golden sections around its best point."""
    step = (high - low) / (N_GRID - 1)
    best = min((low + i * step for i in range(N_GRID)), key=function)
    low, high = max(low, best - step), min(high, best + step)
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(N_SECTIONS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2.0
