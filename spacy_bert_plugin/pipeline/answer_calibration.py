"""What development data tells about answers: how far to trust them, and when to give none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch

from ..heads.answer_scores import score_answer
from ..heads.answer_search import find_answers
from ..heads.answers import AnswerScores
from ..heads.calibration import expected_calibration_error
from ..heads.confidence import (
    FEWEST_ENTITIES,
    TEMPERATURES,
    Confidence,
    fit_line,
    log_loss,
    log_odds,
)
from .answer_decoding import Floats, split_texts, sum_up
from .answer_scoring import choose_method
from .gold_answers import read_gold, read_gold_texts

BATCH_SIZE = 64


@dataclass(frozen=True)
class Answered:
    """A question, the best answer that was found, and what is right.

    borders, nothing: Scores of the text.
    max_tokens: Most tokens of an answer.
    best: Score of the best answer.
    is_right: Whether exactly its tokens are right.
    f1: Its F1, from 0.0 to 1.0.
    has_answer: Whether there is one.
    """

    borders: Floats
    nothing: float | None
    max_tokens: int
    best: float
    is_right: bool
    f1: float
    has_answer: bool

    def log_prob(self, temperature: float) -> float:
        """Log probability of the best answer."""
        scale = 1.0 / temperature
        total = sum_up(self.borders, self.nothing, max_tokens=self.max_tokens, scale=scale)
        return self.best * scale - total


def collect_answers(
    examples: Iterable[Example],
    score: Callable[[Sequence[Doc]], AnswerScores],
    *,
    max_tokens: int,
) -> list[Answered]:
    """Answer all questions whose right answers are known."""
    found = []
    for batch in minibatch(examples, size=BATCH_SIZE):
        known = [(e, gold) for e, gold in zip(batch, read_gold(batch), strict=True)]
        known = [(e, gold) for e, gold in known if gold is not None]
        if not known:
            continue
        docs = [example.predicted for example, _ in known]
        for (example, gold), text in zip(known, split_texts(score(docs)), strict=True):
            spans, scores = find_answers(text[0], max_tokens=max_tokens)
            if len(spans):
                (start, end), doc = spans[0].tolist(), example.predicted
                right = read_gold_texts(example.reference) or []
                _, f1 = score_answer(doc[start:end].text, right, method=choose_method(doc))
                is_right = (start, end) in (gold or ())
                found.append(
                    Answered(*text, max_tokens, float(scores[0]), is_right, f1, bool(right))
                )
    return found


def fit_answers(answered: Sequence[Answered]) -> dict[str, float]:
    """Fit temperature, slope and shift to which of the answers are right.

    RETURNS (dict): These, unless there are too few questions, their number, and the expected
        calibration error before and after.
    """
    report = {"n_questions": float(len(answered))}
    if len(answered) < FEWEST_ENTITIES:
        return report if answered else {}
    is_right = np.array([one.is_right for one in answered])

    def measure(temperature: float) -> torch.Tensor:
        log_probs = [min(one.log_prob(temperature), 0.0) for one in answered]
        return torch.tensor(log_probs, dtype=torch.float64)

    losses = [log_loss(log_odds(measure(t)), is_right) for t in TEMPERATURES]
    temperature = float(TEMPERATURES[int(np.argmin(losses))])
    log_probs = measure(temperature)
    slope, shift = fit_line(log_odds(log_probs), is_right)
    after = Confidence(temperature, slope, shift).of(log_probs)
    before = Confidence().of(measure(1.0))
    return {
        **report,
        "temperature": temperature,
        "slope": slope,
        "shift": shift,
        "ece_before": expected_calibration_error(before, is_right),
        "ece_after": expected_calibration_error(after, is_right),
    }


def tune_no_answer(answered: Sequence[Answered], *, default: float) -> float | None:
    """Find the margin from which on giving no answer makes the mean F1 best.

    default (float): Of several that are as good, the one nearest to it is taken.
    RETURNS (float): None where no question, or every one, has an answer.
    """
    rows = [(o.nothing - o.best, o.f1, o.has_answer) for o in answered if o.nothing is not None]
    has_answer = [row[2] for row in rows]
    if not any(has_answer) or all(has_answer):
        return None
    rows.sort()
    margins = np.array([row[0] for row in rows])
    # Answered are those up to the threshold.
    gains = np.array([f1 if has else f1 - 1.0 for _, f1, has in rows])
    totals = np.concatenate([[0.0], np.cumsum(gains)])
    edges = np.concatenate([[margins[0] - 1.0], margins, [margins[-1] + 1.0]])
    cuts = (edges[:-1] + edges[1:]) / 2.0
    is_border = np.concatenate([[True], margins[1:] > margins[:-1], [True]])
    best = totals[is_border].max()
    good = cuts[is_border & (totals >= best - 1e-12)]
    threshold = float(good[np.abs(good - default).argmin()])
    return threshold if math.isfinite(threshold) else None
