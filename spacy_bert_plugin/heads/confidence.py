"""How sure a tagger is of an entity, as a number that means what it says.

The probability that the lattice gives an entity is sharpened or flattened by a temperature, then
moved by two numbers, all fitted on data that was not trained on.

Temperature: Guo et al., On Calibration of Modern Neural Networks, https://arxiv.org/abs/1706.04599
Slope and shift: Platt, Probabilistic Outputs for Support Vector Machines (1999)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..pieces import IntArray
from .biluo import BiluoScheme
from .calibration import expected_calibration_error
from .chain import Transitions
from .posteriors import span_log_probs
from .spans import contains_spans
from .split import shift_outside, split_long
from .viterbi import best_tags

FloatArray = npt.NDArray[np.float64]
TEMPERATURES = np.geomspace(0.5, 8.0, 25)
BIASES = tuple(float(bias) for bias in np.linspace(-3.0, 1.0, 17))
# Log odds beyond this are rounding errors of 32-bit numbers.
LARGEST_LOG_ODDS = 14.0
# With fewer entities than this, slope and shift would be fitted to chance.
FEWEST_ENTITIES = 30


@dataclass(frozen=True)
class Confidence:
    """What turns the score of an entity into a confidence.

    temperature: Scores are divided by it before probabilities are taken.
    slope, shift: Of the log odds of that probability.
    """

    temperature: float = 1.0
    slope: float = 1.0
    shift: float = 0.0

    def log_probs(
        self,
        scores: Tensor,
        lengths: Sequence[int] | IntArray,
        transitions: Transitions | None,
        *,
        spans: IntArray,
    ) -> Tensor:
        """Log probability of each entity at this temperature. Shape: (n_spans,)"""
        factor = 1.0 / self.temperature
        return span_log_probs(scores, lengths, transitions, spans=spans, scale=factor)

    def heat(
        self,
        scores: Tensor,
        lengths: Sequence[int] | IntArray,
        transitions: Transitions | None,
    ) -> tuple[Tensor, Sequence[int] | IntArray, Transitions | None]:
        """Scores, lengths and transitions at this temperature."""
        if self.temperature == 1.0:
            return scores, lengths, transitions
        factor = 1.0 / self.temperature
        return scores * factor, lengths, transitions and transitions.scale(factor)

    def of(self, log_probs: Tensor) -> FloatArray:
        """Confidence for log probabilities. Shape: (n_spans,) -> (n_spans,), from 0 to 1."""
        if self.slope == 1.0 and self.shift == 0.0:
            return log_probs.double().exp().cpu().numpy()
        odds = self.slope * log_odds(log_probs) + self.shift
        return np.asarray(1.0 / (1.0 + np.exp(-odds)))

    def to_dict(self) -> dict[str, float]:
        """What a config file stores."""
        return asdict(self)


def fit_confidence(
    scores: Tensor,
    lengths: Sequence[int],
    transitions: Transitions | None,
    gold: IntArray,
    scheme: BiluoScheme,
) -> tuple[Confidence, dict[str, float]]:
    """Fit temperature, slope and shift to which of the entities found are right.

    scores: Score of each tag of each token.
    lengths: Tokens of each sequence.
    gold: True tags, -1 where nothing is known: entities that touch such a token do not count.
    RETURNS: What was fitted, and the expected calibration error before and after.
    Shape: scores (n_tokens, n_tags), gold (n_tokens,).
    """
    parts, spans, is_right = _find_entities(scores, lengths, transitions, gold, scheme)
    plain = Confidence()
    if len(spans) < FEWEST_ENTITIES:
        return plain, {"n_entities": float(len(spans))}

    def measure(temperature: float) -> Tensor:
        return Confidence(temperature).log_probs(scores, parts, transitions, spans=spans)

    before = plain.of(measure(1.0))
    losses = [log_loss(log_odds(measure(t)), is_right) for t in TEMPERATURES]
    temperature = float(TEMPERATURES[int(np.argmin(losses))])
    log_probs = measure(temperature)
    fitted = Confidence(temperature, *fit_line(log_odds(log_probs), is_right))
    after = fitted.of(log_probs)
    return fitted, {
        "n_entities": float(len(spans)),
        **fitted.to_dict(),
        "ece_before": expected_calibration_error(before, is_right),
        "ece_after": expected_calibration_error(after, is_right),
    }


def tune_outside(
    scores: Tensor,
    lengths: Sequence[int],
    transitions: Transitions | None,
    gold: IntArray,
    scheme: BiluoScheme,
) -> float:
    """Find what to add to the score of O for the best F score.

    A tagger maximises the share of right tags, most of which are O; where entities of new texts
    are rarer than those it has learned, it finds too few of them.

    Arguments and Shape: as of `fit_confidence`.
    RETURNS: One of `BIASES`; 0.0 where another is not better.
    """
    n_true = len(scheme.decode(gold, lengths))
    best = (0.0, 0.0, 0.0)
    for bias in BIASES:
        shifted = shift_outside(scores, bias)
        is_right = _find_entities(shifted, lengths, transitions, gold, scheme)[2]
        f_score = 2.0 * is_right.sum() / max(n_true + len(is_right), 1)
        # Of two that are as good, the one nearer to what was learned.
        best = max(best, (f_score, -abs(bias), bias))
    return best[2]


def _find_entities(
    scores: Tensor,
    lengths: Sequence[int],
    transitions: Transitions | None,
    gold: IntArray,
    scheme: BiluoScheme,
) -> tuple[IntArray, IntArray, npt.NDArray[np.bool_]]:
    """Decode entities, those left out that touch a token of which nothing is known.

    RETURNS: Lengths of the parts that sequences were cut into, the entities, and which are right.
        Shape: (n_parts,), (n_spans, 3), (n_spans,)
    """
    parts = split_long(scores, lengths)
    spans = scheme.decode(best_tags(scores, parts, transitions).cpu().numpy(), parts)
    unknown = np.concatenate([[0], np.cumsum(gold < 0)])
    spans = spans[unknown[spans[:, 1]] == unknown[spans[:, 0]]]
    return parts, spans, contains_spans(scheme.decode(gold, lengths), spans)


def log_odds(log_probs: Tensor) -> FloatArray:
    """Log of p / (1 - p), bounded. Shape: (n_spans,) -> (n_spans,)"""
    log_p = log_probs.double().cpu().numpy()
    with np.errstate(divide="ignore"):
        log_rest = np.log(-np.expm1(log_p))
    odds = np.nan_to_num(log_p - log_rest, nan=0.0, posinf=np.inf, neginf=-np.inf)
    return np.asarray(np.clip(odds, -LARGEST_LOG_ODDS, LARGEST_LOG_ODDS))


def log_loss(odds: FloatArray, is_right: npt.NDArray[np.bool_]) -> float:
    """Mean log loss of confidences. Shape: log odds and truths (n_spans,)"""
    return float(np.mean(np.logaddexp(0.0, np.where(is_right, -odds, odds))))


def fit_line(
    odds: FloatArray, is_right: npt.NDArray[np.bool_], n_steps: int = 50
) -> tuple[float, float]:
    """Logistic regression of one variable by Newton's method, with a weak pull to (1, 0).

    RETURNS: Slope (at least 0.05: the order of entities never turns round) and shift.
    """
    target = torch.from_numpy(is_right.astype(np.float64))
    x = torch.stack([torch.from_numpy(odds), torch.ones(len(odds), dtype=torch.float64)], dim=1)
    weights = torch.tensor([1.0, 0.0], dtype=torch.float64)
    pull = torch.eye(2, dtype=torch.float64)
    start = weights.clone()
    for _ in range(n_steps):
        share = torch.sigmoid(x @ weights)
        gradient = x.T @ (share - target) + pull @ (weights - start)
        curvature = x.T @ (x * (share * (1 - share))[:, None]) + pull
        step = torch.linalg.solve(curvature, gradient)
        weights = weights - step
        if float(step.abs().max()) < 1e-8:
            break
    slope, shift = max(float(weights[0]), 0.05), float(weights[1])
    # Where nearly all are wrong, or all right, steps can run away: then what was there stays.
    is_better = log_loss(slope * odds + shift, is_right) <= log_loss(odds, is_right)
    return (slope, shift) if is_better else (1.0, 0.0)
