"""The loss of a span head, and the choice among the spans that it finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from ..pieces import IntArray
from .span_scorer import SpanBand

Floats = npt.NDArray[np.floating[Any]]


def span_loss(
    band: SpanBand, spans: Tensor, is_known: Tensor, *, positive_weight: float = 1.0
) -> Tensor:
    """Compute the binary cross entropy over all spans of the band and all labels.

    The sum is divided by the number of tokens, which makes it as large as that of a tagger:
    divided by the number of spans it would hardly be heard beside the losses of other heads.

    band: Scores.
    spans: Annotated spans as rows [start, end, label index], each within the band.
    is_known: False for tokens that the annotation says nothing about.
    positive_weight: Factor on the loss of annotated spans.
    RETURNS: A scalar; 0.0, still with a graph, where nothing is known.
    Shape: spans (n_spans, 3), is_known (n_tokens,) -> ().
    """
    start, end, label = spans.unbind(1)
    targets = torch.zeros_like(band.logits)
    targets[start, label, end - start - 1] = 1.0
    weight = torch.tensor(positive_weight, device=targets.device, dtype=targets.dtype)
    losses = F.binary_cross_entropy_with_logits(
        band.logits, targets, reduction="none", pos_weight=weight
    )
    is_counted = band.is_span & is_known[:, None]
    return (losses * is_counted[:, None]).sum() / is_known.sum().clamp(min=1)


def select_spans(
    spans: IntArray, scores: Floats, *, max_labels: int | None = None, allow_overlap: bool = True
) -> IntArray:
    """Choose among spans, those with better scores first.

    spans: Rows [start, end, label index].
    scores: The better the higher.
    max_labels: Most labels of the same start and end; None for any number.
    allow_overlap: Whether a token may be in several spans.
    RETURNS: Indices of the spans that stay, in order.
    Shape: spans (n_spans, 3), scores (n_spans,) -> (n_kept,), int64.
    """
    order = np.argsort(-scores, kind="stable")
    if max_labels is not None:
        order = order[_rank(spans[order, :2]) < max_labels]
    if not allow_overlap:
        is_taken = np.zeros(int(spans[:, 1].max(initial=0)), dtype=bool)
        kept = []
        for index in order:
            start, end = spans[index, :2]
            if not is_taken[start:end].any():
                is_taken[start:end] = True
                kept.append(index)
        order = np.array(kept, dtype=np.int64)
    return np.sort(order)


def contains_spans(known: IntArray, spans: IntArray) -> npt.NDArray[np.bool_]:
    """Find out which spans are among the known ones.

    Shape: known (n_known, 3), spans (n_spans, 3) -> (n_spans,), bool.
    """
    sizes = np.concatenate([known, spans]).max(axis=0, initial=0) + 1
    one, other = (np.ravel_multi_index(tuple(rows.T), tuple(sizes)) for rows in (known, spans))
    return np.isin(other, one)


def split_spans(
    spans: IntArray, scores: Floats, lengths: Sequence[int]
) -> list[tuple[IntArray, Floats]]:
    """Deal out spans to their sequences.

    spans: Rows [start, end, label index], sorted by start; tokens are counted over all sequences.
    lengths: Number of tokens of each sequence.
    RETURNS: The spans of each sequence, in its own tokens, and their scores.
    Shape: spans (n_spans, 3), scores (n_spans,) -> (n, 3) and (n,) for each sequence.
    """
    ends = np.cumsum(np.asarray(lengths, dtype=np.int64))
    cuts = np.searchsorted(spans[:, 0], ends)
    begins = np.concatenate([[0], cuts])[: len(cuts)]
    offsets = ends - np.asarray(lengths, dtype=np.int64)
    return [
        (spans[begin:cut] - [offset, offset, 0], scores[begin:cut])
        for begin, cut, offset in zip(begins, cuts, offsets, strict=True)
    ]


def _rank(keys: IntArray) -> IntArray:
    """Number the rows among those that are equal, in the order in which they come.

    Shape: (n, 2) -> (n,)
    """
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    ordered = keys[order]
    is_first = np.ones(len(keys), dtype=bool)
    is_first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    positions = np.arange(len(keys), dtype=np.int64)
    first = np.maximum.accumulate(np.where(is_first, positions, 0))
    ranks = np.empty(len(keys), dtype=np.int64)
    ranks[order] = positions - first
    return ranks
