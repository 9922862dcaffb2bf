"""One vector a text out of the vectors of its tokens, without padding.

tokens   a a a b c c        lengths 3 1 2
rows     0 0 0 1 2 2        the text that each token belongs to
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


def pool_mean(vectors: Tensor, lengths: Sequence[int]) -> Tensor:
    """Average the vectors of each text. One without vectors gets zeros.

    vectors: Vectors of all texts, end to end.
    lengths: Number of vectors of each text.
    Shape: vectors (n_tokens, width) -> (n_texts, width).
    """
    if all(length == 1 for length in lengths):
        return vectors
    counts = torch.tensor(list(lengths), dtype=torch.int64, device=vectors.device)
    weights = 1.0 / counts.clamp(min=1).to(vectors.dtype)
    rows = _number_rows(counts)
    return _sum_rows(vectors * weights[rows, None], rows, len(counts))


class AttentionPooling(nn.Module):
    """Averages the vectors of each text with weights that are learned: one query, one softmax.

    It starts as the plain mean. Paper: Yang et al. 2016, Hierarchical Attention Networks for
    Document Classification, https://aclanthology.org/N16-1174

    width: Width of the vectors.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(width))
        self.scale = 1.0 / math.sqrt(width)

    def forward(self, vectors: Tensor, lengths: Sequence[int]) -> Tensor:
        """Pool the vectors of each text. One without vectors gets zeros.

        Shape: vectors (n_tokens, width), lengths one number a text -> (n_texts, width).
        """
        counts = torch.tensor(list(lengths), dtype=torch.int64, device=vectors.device)
        rows = _number_rows(counts)
        weights = self.weigh(vectors, rows, n_texts=len(counts))
        return _sum_rows(vectors * weights[:, None], rows, len(counts))

    def weigh(self, vectors: Tensor, rows: Tensor, *, n_texts: int) -> Tensor:
        """Compute the weight of each token in its text; those of a text add up to 1.

        Shape: vectors (n_tokens, width), rows (n_tokens,) -> (n_tokens,).
        """
        scores = vectors @ self.query * self.scale
        best = scores.detach().new_full((n_texts,), -math.inf)
        best = best.scatter_reduce(0, rows, scores.detach(), "amax")
        shares = (scores - best[rows]).exp()
        totals = shares.new_zeros(n_texts).index_add(0, rows, shares)
        return shares / totals[rows]


class RunningPool:
    """Pools the vectors of one text that come in runs, with a few numbers in memory.

    With attention it is the softmax that is corrected as larger scores come up: Milakov and
    Gimelshein (2018), https://arxiv.org/abs/1805.02867

    start: Zeros. Shape: (width,)
    n_vectors: How many will come.
    attention: What weighs them; None: each counts the same.
    """

    def __init__(
        self, start: Tensor, n_vectors: int, *, attention: AttentionPooling | None = None
    ) -> None:
        self.summed, self.attention = start, attention
        self.share = 1.0 / max(n_vectors, 1)
        self.best = start.new_full((), -math.inf)
        self.total = start.new_zeros(())

    def add(self, vectors: Tensor) -> None:
        """Take the next vectors. Shape: (n_run, width)"""
        if not len(vectors):
            return
        if self.attention is None:
            self.summed = self.summed + vectors.sum(0) * self.share
            return
        scores = vectors @ self.attention.query * self.attention.scale
        best = torch.maximum(self.best, scores.max())
        before, shares = (self.best - best).exp(), (scores - best).exp()
        self.summed = self.summed * before + shares @ vectors
        self.total = self.total * before + shares.sum()
        self.best = best

    def finish(self) -> Tensor:
        """The pool of all of them; zeros of none. Shape: (width,)"""
        has_weights = self.attention is not None and bool(self.total)
        return self.summed / self.total if has_weights else self.summed


def _number_rows(counts: Tensor) -> Tensor:
    """Number of the text that each vector belongs to. Shape: (n_texts,) -> (n_tokens,)"""
    return torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)


def _sum_rows(vectors: Tensor, rows: Tensor, n_texts: int) -> Tensor:
    return vectors.new_zeros(n_texts, vectors.shape[1]).index_add(0, rows, vectors)
