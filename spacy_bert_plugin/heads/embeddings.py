"""Vectors of texts that can be compared: pooled, projected, of length one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..encoder.gradients import drop
from .hidden import ACTIVATIONS
from .text_pooling import pool_mean


def _give(x: Tensor) -> Tensor:
    return x


DENSE_ACTIVATIONS: MappingProxyType[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {**ACTIVATIONS, "none": _give}
)


class TextEmbedder(nn.Module):
    """Makes the vector of a text of what the encoder gives.

    width: Width of what comes in.
    dense_width: Width of a linear map after pooling; 0: there is none.
    activation: What follows the map: one of `DENSE_ACTIVATIONS`.
    use_bias: Whether the map has a bias.
    normalize: Whether vectors have length one. Without pieces, a text has a vector of zeros.
    """

    def __init__(
        self,
        width: int,
        *,
        dense_width: int = 0,
        activation: str = "tanh",
        use_bias: bool = True,
        normalize: bool = True,
    ) -> None:
        super().__init__()
        self.activation, self.normalize = activation, normalize
        self.n_outputs = dense_width or width
        self.dense = nn.Linear(width, dense_width, bias=use_bias) if dense_width else None

    def forward(
        self,
        vectors: Tensor,
        *,
        lengths: Sequence[int],
        dropout: float = 0.0,
        text_tokens: Sequence[Sequence[int]],
    ) -> Tensor:
        """Embed the texts of Docs.

        vectors: Vectors of all Docs, end to end: one a text, or one a token, whose mean is taken.
        lengths: Number of vectors of each Doc.
        text_tokens: Tokens of each text of each Doc.
        Shape: vectors (n_vectors, width) -> (n_texts, dense_width or width).
        """
        counts: list[int] = []
        for length, tokens in zip(lengths, text_tokens, strict=True):
            counts += [1] * length if length == len(tokens) else tokens
        pooled = drop(pool_mean(vectors, counts), dropout)
        if self.dense is not None:
            pooled = DENSE_ACTIVATIONS[self.activation](self.dense(pooled))
        return F.normalize(pooled, dim=1) if self.normalize else pooled


def compare_rows(first: Tensor, second: Tensor) -> Tensor:
    """Cosine of each row with its counterpart; 0 where one is all zeros.

    Shape: (n, width), (n, width) -> (n,).
    """
    return (F.normalize(first, dim=1) * F.normalize(second, dim=1)).sum(1)


def compare_all(first: Tensor, second: Tensor) -> Tensor:
    """Cosine of each row with each other row. Shape: (n, width), (m, width) -> (n, m)"""
    return F.normalize(first, dim=1) @ F.normalize(second, dim=1).T


def find_ranks(similarities: Tensor, answers: Sequence[int]) -> list[int]:
    """Say at which place each answer is found, 1 for the first; equals count as before it.

    Shape: similarities (n_queries, n_candidates), answers (n_queries,) -> (n_queries,).
    """
    if not len(answers):
        return []
    rows = torch.arange(len(answers))
    found = similarities[rows, torch.tensor(answers)]
    ranks: list[int] = (similarities >= found[:, None]).sum(1).tolist()
    return ranks
