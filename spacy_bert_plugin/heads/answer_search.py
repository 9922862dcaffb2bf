"""The best answers of one text, out of scores of starts and ends: a band is searched, not a square.

An answer has at most so many tokens, so for each start only so many ends are looked at, and only
so many starts at a time:

    ends       0  1  2  3  4  5
    start 0    #  #  #  .  .  .     max_tokens = 3
    start 1       #  #  #  .  .
    start 2          #  #  #  .
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..pieces import IntArray

Floats = npt.NDArray[np.floating[Any]]
# Starts that are looked at together: half a megabyte with answers of up to 30 tokens.
BLOCK_ROWS = 2_048


def find_answers(
    borders: Floats, *, max_tokens: int, top_k: int = 1, allow_overlap: bool = False
) -> tuple[IntArray, npt.NDArray[np.float64]]:
    """Find the answers with the best sums of start and end, best first.

    borders: Scores of starting and of ending; -inf where no answer may.
    max_tokens: Most tokens of an answer.
    top_k: How many answers at most; no two have the same borders.
    allow_overlap: Whether answers may share tokens.
    RETURNS: Answers as [start, end), and their scores.
    Shape: borders (n_tokens, 2) -> (n_answers, 2), (n_answers,).
    """
    scores = np.asarray(borders, dtype=np.float64).reshape(-1, 2)
    find = _find_any if allow_overlap else _find_apart
    return find(scores, min(max_tokens, max(len(scores), 1)), top_k)


def log_partition(borders: Floats, *, max_tokens: int, scale: float = 1.0) -> float:
    """Log of the sum over all answers of exp(score * scale); -inf where there are none.

    Shape: borders (n_tokens, 2).
    """
    scores = np.asarray(borders, dtype=np.float64).reshape(-1, 2) * scale
    if not len(scores):
        return -math.inf
    best, total = -math.inf, 0.0
    for _, band in _iter_bands(scores, min(max_tokens, len(scores))):
        top = float(band.max())
        if top == -math.inf:
            continue
        new = max(best, top)
        # Sums of earlier blocks are brought down to the new maximum.
        total = total * math.exp(best - new) + float(np.exp(band - new).sum())
        best = new
    return best + math.log(total) if total else -math.inf


def _find_apart(
    scores: npt.NDArray[np.float64], max_tokens: int, top_k: int
) -> tuple[IntArray, npt.NDArray[np.float64]]:
    """The best answer, then the best one that shares no token with it, and so on."""
    n_tokens = len(scores)
    limits = np.full(n_tokens, max_tokens, dtype=np.int64)
    best, column = np.full(n_tokens, -math.inf), np.zeros(n_tokens, dtype=np.int64)
    for first, band in _iter_bands(scores, max_tokens):
        rows = slice(first, first + len(band))
        column[rows] = band.argmax(1)
        best[rows] = band.max(1)
    spans: list[tuple[int, int]] = []
    found: list[float] = []
    while n_tokens and len(spans) < top_k:
        start = int(best.argmax())
        if best[start] == -math.inf:
            break
        end = start + int(column[start]) + 1
        spans.append((start, end))
        found.append(float(best[start]))
        best[start:end] = -math.inf
        # Starts before it may only end before it.
        near = slice(max(start - max_tokens + 1, 0), start)
        limits[near] = np.minimum(limits[near], start - np.arange(near.start, start))
        band = _make_band(scores, near.start, start, max_tokens)
        band[np.arange(max_tokens) >= limits[near, None]] = -math.inf
        is_free = best[near] > -math.inf
        column[near] = band.argmax(1) if len(band) else 0
        best[near] = np.where(is_free, band.max(1, initial=-math.inf), -math.inf)
    return np.array(spans, dtype=np.int64).reshape(-1, 2), np.array(found)


def _find_any(
    scores: npt.NDArray[np.float64], max_tokens: int, top_k: int
) -> tuple[IntArray, npt.NDArray[np.float64]]:
    spans, found = np.zeros((0, 2), dtype=np.int64), np.zeros(0)
    for first, band in _iter_bands(scores, max_tokens):
        flat = band.reshape(-1)
        chosen = np.arange(len(flat))
        if len(flat) > top_k:
            chosen = np.argpartition(-flat, top_k)[:top_k]
        chosen = chosen[flat[chosen] > -math.inf]
        starts = first + chosen // max_tokens
        spans = np.concatenate([spans, np.stack([starts, starts + chosen % max_tokens + 1], 1)])
        found = np.concatenate([found, flat[chosen]])
        # Of equals the first one, and the shorter.
        order = np.lexsort((spans[:, 1], spans[:, 0], -found))[:top_k]
        spans, found = spans[order], found[order]
    return spans, found


def _iter_bands(
    scores: npt.NDArray[np.float64], max_tokens: int
) -> Iterator[tuple[int, npt.NDArray[np.float64]]]:
    """Yield the first start of each block of starts, and the scores of all their answers.

    Shape: scores (n_tokens, 2) -> (n_rows, max_tokens) each.
    """
    for first in range(0, len(scores), BLOCK_ROWS):
        last = min(first + BLOCK_ROWS, len(scores))
        yield first, _make_band(scores, first, last, max_tokens)


def _make_band(
    scores: npt.NDArray[np.float64], first: int, last: int, max_tokens: int
) -> npt.NDArray[np.float64]:
    """Scores of the answers that start at some tokens; -inf beyond the last token."""
    if first >= last:
        return np.zeros((0, max_tokens))
    ends = scores[first : last + max_tokens - 1, 1]
    missing = last - first + max_tokens - 1 - len(ends)
    padded = np.concatenate([ends, np.full(missing, -math.inf)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, max_tokens)
    return np.asarray(scores[first:last, :1] + windows)
