"""Scores of starts and ends in, answers with confidences out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..heads.answer_search import find_answers, log_partition
from ..heads.answers import AnswerScores
from ..heads.confidence import Confidence
from ..pieces import IntArray

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class DocAnswers:
    """What was found for one question.

    spans: Answers [start, end) in tokens of the Doc, best first.
        Shape: (n_answers, 2)
    confidences: Shape: (n_answers,), float32
    no_answer: Probability that there is no answer; None for a head that always answers.
    margin: By how much the score of "no answer" exceeds that of the best answer.
    """

    spans: IntArray
    confidences: npt.NDArray[np.float32]
    no_answer: float | None = None
    margin: float | None = None


@dataclass(frozen=True)
class AnswerDecoder:
    """Finds the best answers, in memory that does not grow with the length of a context.

    top_k, max_tokens, allow_overlap: As in `find_answers`.
    threshold: Margin from which on no answer is given.
    confidence: Of `heads.confidence.Confidence`.
    """

    top_k: int
    max_tokens: int
    allow_overlap: bool
    threshold: float
    confidence: Mapping[str, float]

    def decode(self, scores: AnswerScores) -> list[DocAnswers]:
        """Find the answers of each text."""
        return [self._decode_one(*text) for text in split_texts(scores)]

    def _decode_one(self, borders: Floats, nothing: float | None) -> DocAnswers:
        spans, found = find_answers(
            borders,
            max_tokens=self.max_tokens,
            top_k=self.top_k,
            allow_overlap=self.allow_overlap,
        )
        confidence = Confidence(**self.confidence)
        scale = 1.0 / confidence.temperature
        total = sum_up(borders, nothing, max_tokens=self.max_tokens, scale=scale)
        margin = no_answer = None
        if nothing is not None:
            margin = nothing - float(found[0]) if len(found) else math.inf
            no_answer = math.exp(nothing * scale - total)
            if margin > self.threshold:
                spans, found = spans[:0], found[:0]
        log_probs = torch.from_numpy(found * scale - total)
        confidences = confidence.of(log_probs).astype(np.float32)
        return DocAnswers(spans, confidences, no_answer, margin)


def split_texts(scores: AnswerScores) -> Iterator[tuple[Floats, float | None]]:
    """Yield the scores of each text, and its score of having no answer."""
    first = 0
    borders = scores.borders.numpy()
    for number, length in enumerate(scores.lengths):
        nothing = None if scores.nothing is None else float(scores.nothing[number].sum())
        yield borders[first : first + length], nothing
        first += length


def sum_up(borders: Floats, nothing: float | None, *, max_tokens: int, scale: float) -> float:
    """Log of the sum of exp(score * scale) over all answers, and over having none."""
    total = log_partition(borders, max_tokens=max_tokens, scale=scale)
    return total if nothing is None else float(np.logaddexp(total, nothing * scale))
