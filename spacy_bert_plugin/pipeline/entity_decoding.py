"""Scores of tags in, entities with confidences out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ..heads import BiluoScheme, Transitions, best_tags, find_candidates, split_long, split_spans
from ..heads.confidence import Confidence
from ..heads.split import shift_outside
from ..layers.reading import group_docs
from ..pieces import IntArray

# Longest candidate in tokens; decoding itself knows no limit.
LONGEST_CANDIDATE = 64
# Tokens that are decoded at a time. The more there are, the fewer steps; it is memory that ends.
BLOCK_TOKENS = 16_384
# Rows [start, end, label index] and the confidence of each.
Found = tuple[IntArray, npt.NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class DocEntities:
    """What was found in one Doc.

    spans: Rows [start, end, label index] in tokens of the Doc.
        Shape: (n_entities, 3)
    confidences: Shape: (n_entities,)
    candidates, candidate_confidences: The same of everything likely, where it is asked for.
    """

    spans: IntArray
    confidences: npt.NDArray[np.floating[Any]]
    candidates: IntArray | None = None
    candidate_confidences: npt.NDArray[np.floating[Any]] | None = None


@dataclass(frozen=True)
class EntityDecoder:
    """Finds the best legal entities, in memory that does not grow with the length of a text.

    outside_bias: What is added to the score of O.
    min_candidate: Least confidence of what is likely; None: only entities are looked for.
    """

    scheme: BiluoScheme
    transitions: Transitions | None
    confidence: Confidence
    outside_bias: float
    min_candidate: float | None

    def decode(self, scores: Tensor, lengths: Sequence[int]) -> list[DocEntities]:
        """Find the entities of Docs. Shape: scores (n_tokens, n_tags)"""
        parts = split_long(scores, lengths, outside_bias=self.outside_bias)
        found, likely = [], []
        # No entity reaches over two parts, so parts are decoded as many at a time as fit.
        for block in group_docs(parts.tolist(), BLOCK_TOKENS):
            first = int(parts[: block.start].sum())
            counts = parts[block.start : block.stop]
            here = shift_outside(scores[first : first + int(counts.sum())], self.outside_bias)
            found.append(_move(self._find(here, counts), first))
            if self.min_candidate is not None:
                likely.append(_move(self._find_likely(here, counts, self.min_candidate), first))
        docs = _deal_out(found, lengths)
        if self.min_candidate is None:
            return [DocEntities(*one) for one in docs]
        others = _deal_out(likely, lengths)
        return [DocEntities(*one, *other) for one, other in zip(docs, others, strict=True)]

    def _find(self, scores: Tensor, parts: IntArray) -> Found:
        tags = best_tags(scores, parts, self.transitions)
        spans = self.scheme.decode(tags.cpu().numpy(), parts)
        log_probs = self.confidence.log_probs(scores, parts, self.transitions, spans=spans)
        return spans, self.confidence.of(log_probs)

    def _find_likely(self, scores: Tensor, parts: IntArray, least: float) -> Found:
        candidates, log_probs = find_candidates(
            *self.confidence.heat(scores, parts, self.transitions),
            min_probability=min(least, 0.01),
            max_length=LONGEST_CANDIDATE,
        )
        shares = self.confidence.of(log_probs)
        is_likely = shares >= least
        return candidates.cpu().numpy()[is_likely], shares[is_likely]


def _move(found: Found, offset: int) -> Found:
    """Count tokens from an earlier one on."""
    spans, confidences = found
    return spans + np.array([offset, offset, 0]), confidences


def _deal_out(found: Sequence[Found], lengths: Sequence[int]) -> list[Found]:
    """Lay blocks together and give each Doc its own."""
    spans, confidences = zip(*found, strict=True)
    return split_spans(np.concatenate(spans), np.concatenate(confidences), lengths)
