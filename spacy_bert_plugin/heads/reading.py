"""Heads that read the vectors of one text a run at a time, so that they are never all there.

vectors     [ run 0 ][ run 1 ][ run 2 ] ...     each let go of when the next one comes
read()           |        |        |
finish()         +--------+--------+--> what the head's forward pass gives for the whole text
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .text_classifier import TextClassifier
    from .text_pooling import RunningPool
    from .token_classifier import TokenClassifier


class Reader(Protocol):
    """Reads one text, from its first vector to its last."""

    def read(self, vectors: Tensor) -> None:
        """Take the next vectors, from any device. Shape: (n_run, width)"""

    def finish(self) -> Any:
        """Give what the head's forward pass gives for this one text."""


@runtime_checkable
class ReadingHead(Protocol):
    """A head that can read in runs."""

    def start_reading(self, n_vectors: int, **inputs: Any) -> Reader:
        """Begin a text of so many vectors.

        inputs: What the forward pass takes besides the vectors, for this one text.
        """

    def join(self, outputs: Sequence[Any]) -> Any:
        """Make one output of those of several lots of texts, in order."""


class TokenReader:
    """Scores the tags of a run of tokens and keeps the scores: a few bytes a token."""

    def __init__(self, head: TokenClassifier, n_tokens: int, features: Tensor | None) -> None:
        self.head, self.features = head, features
        weight = head.output.weight
        self.scores = weight.new_empty(n_tokens, len(weight))
        self.n_read = 0

    def read(self, vectors: Tensor) -> None:
        """Score the next tokens. Shape: (n_run, width)"""
        first, last = self.n_read, self.n_read + len(vectors)
        embedded = self.head.embed_run(self.features, first, last)
        self.scores[first:last] = self.head.score(vectors.to(self.scores.device), embedded)
        self.n_read = last

    def finish(self) -> Tensor:
        """All scores. Shape: (n_tokens, n_tags)"""
        return self.head.to_tags(self.scores, [len(self.scores)])


class TextReader:
    """Pools the vectors of a text as they come and keeps nothing but the pool."""

    def __init__(self, head: TextClassifier, pool: RunningPool) -> None:
        self.head, self.pool = head, pool

    def read(self, vectors: Tensor) -> None:
        """Add the next vectors. Shape: (n_run, width)"""
        self.pool.add(vectors.to(self.pool.summed.device))

    def finish(self) -> Tensor:
        """Scores of the categories. Shape: (1, n_labels)"""
        return self.head.classify(self.pool.finish()[None])


def read_in_runs(head: ReadingHead, vectors: Tensor, *, run_size: int, **inputs: Any) -> Any:
    """Let a head read the vectors of one text, so many at a time.

    Shape: vectors (n_vectors, width).
    """
    reader = head.start_reading(len(vectors), **inputs)
    for run in torch.split(vectors, run_size):
        reader.read(run)
    return reader.finish()
