"""Scores of the categories of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..encoder.gradients import drop
from .hidden import make_hidden
from .reading import TextReader
from .text_pooling import AttentionPooling, RunningPool, pool_mean

# "given": as the vectors come, one a text; where there are more, their mean.
TEXT_POOLINGS = ("given", "mean", "attention")
INIT_RANGE = 0.02


class TextClassifier(nn.Module):
    """Pools the vectors of each text and scores its categories.

    width: Width of the vectors.
    n_labels: Number of categories.
    pooling: One of `TEXT_POOLINGS`; vectors that come one a text are taken as they are by all.
    hidden_width: Size of a layer before the scores; 0: none.
    hidden: Further settings of that layer, as of `HiddenLayer`.
    """

    def __init__(
        self,
        width: int,
        n_labels: int,
        *,
        pooling: str = "given",
        hidden_width: int = 0,
        **hidden: Any,
    ) -> None:
        super().__init__()
        self.width = width
        self.pooling = AttentionPooling(width) if pooling == "attention" else None
        self.hidden = make_hidden(width, hidden_width, **hidden)
        self.output = nn.Linear(hidden_width or width, n_labels)
        nn.init.normal_(self.output.weight, std=INIT_RANGE)
        nn.init.zeros_(self.output.bias)

    def forward(self, vectors: Tensor, *, lengths: Sequence[int], dropout: float = 0.0) -> Tensor:
        """Score the categories of each text.

        vectors: Vectors of all texts, end to end.
        lengths: Number of vectors of each text.
        dropout: Share of numbers that are dropped before each layer.
        Shape: vectors (n_vectors, width) -> (n_texts, n_labels).
        """
        pool = pool_mean if self.pooling is None else self.pooling
        return self.classify(pool(vectors, lengths), dropout=dropout)

    def classify(self, pooled: Tensor, *, dropout: float = 0.0) -> Tensor:
        """Score the categories of texts by their pooled vectors.

        Shape: pooled (n_texts, width) -> (n_texts, n_labels).
        """
        pooled = drop(pooled, dropout)
        if self.hidden is not None:
            pooled = drop(self.hidden(pooled), dropout)
        scores: Tensor = self.output(pooled)
        return scores

    def start_reading(self, n_vectors: int) -> TextReader:
        """Begin one text whose vectors come in runs."""
        start = self.output.weight.new_zeros(self.width)
        pool = RunningPool(start, n_vectors, attention=self.pooling)
        return TextReader(self, pool)

    def join(self, outputs: Sequence[Tensor]) -> Tensor:
        """Lay scores end to end. Shape: (n_texts, n_labels) each -> (all texts, n_labels)"""
        return torch.cat(list(outputs))

    def copy_from(self, other: TextClassifier) -> None:
        """Take over the weights of a classifier with the same sizes, or with fewer categories.

        other: Its categories are the first of this one's.
        """
        weights = other.state_dict()
        with torch.no_grad():
            for name, own in self.state_dict().items():
                rows = len(weights[name])
                own[:rows] = weights[name].to(own.device)
