"""Walks over sequences whose scores lie on the host, without learned transitions, in numpy.

They give what `viterbi` and `posteriors` give by torch. A step works on a few hundred numbers,
where a call of torch costs more than the arithmetic: one sentence takes 4 ms there, 0.5 ms here.

Sums are taken of probabilities, not of logarithms. After each step they are divided by their sum,
whose logarithm is kept:  Rabiner (1989), section V.A, https://doi.org/10.1109/5.18626
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..pieces import FloatArray, IntArray, expand_runs
from .steps import Steps, plan_steps

Doubles = npt.NDArray[np.float64]


class TagRows(NamedTuple):
    """Scores, or probabilities, of the tags of each row.

    outside: Shape: (n_rows,)
    begin, inside, last, unit: Shape: (n_rows, n_labels)
    """

    outside: FloatArray
    begin: FloatArray
    inside: FloatArray
    last: FloatArray
    unit: FloatArray


def is_on_host(scores: Tensor) -> bool:
    """Whether numpy can read these scores where they are."""
    return scores.device.type == "cpu"


def split_rows(scores: FloatArray) -> TagRows:
    """Split scores into those of O, B, I, L and U. Shape: (n_rows, 1 + 4 * n_labels)"""
    by_kind = np.ascontiguousarray(
        scores[:, 1:].reshape(len(scores), scores.shape[1] // 4, 4).transpose(2, 0, 1)
    )
    return TagRows(scores[:, 0], *by_kind)


def search(scores: FloatArray, counts: IntArray) -> IntArray:
    """Find the best legal tags of each sequence (Viterbi).

    counts: Number of tokens of each sequence.
    Shape: scores (n_tokens, 1 + 4 * n_labels), finite -> (n_tokens,), int64.
    """
    steps = plan_steps(counts)
    rows = split_rows(scores[steps.rows])
    n_labels = rows.begin.shape[1]
    n_first = int(steps.n_active[0]) if len(steps.n_active) else 0
    unit = rows.unit.argmax(1) if n_labels else np.zeros(len(scores), dtype=np.int64)
    best_unit = rows.unit.max(1, initial=-np.inf)
    stay_out = np.maximum(rows.outside, best_unit)
    origin = np.zeros(len(scores), dtype=np.int64)
    stayed = np.zeros(rows.begin.shape, dtype=bool)
    out, within = np.zeros(n_first), np.full((n_first, n_labels), -np.inf)
    for here in _list_slices(steps):
        n_active = here.stop - here.start
        out, within = out[:n_active], within[:n_active]
        leaving = within + rows.last[here]
        best, goes_on = leaving.max(1, initial=-np.inf), out + stay_out[here]
        is_end = best > goes_on
        origin[here][is_end] = 1 + leaving[is_end].argmax(1)
        fresh, on = out[:, None] + rows.begin[here], within + rows.inside[here]
        np.greater(on, fresh, out=stayed[here])
        out, within = np.maximum(best, goes_on), np.maximum(on, fresh)
    choice = np.where(best_unit > rows.outside, 4 + 4 * unit, 0)
    found = _walk_back(steps, origin, stayed, choice)
    tags = np.empty(len(scores), dtype=np.int64)
    tags[steps.rows] = found
    return tags


def _walk_back(
    steps: Steps, origin: IntArray, stayed: npt.NDArray[np.bool_], choice: IntArray
) -> IntArray:
    """Read the tags off where each border was reached from. Shape: (n_rows,), in rows of steps.

    origin: 0 where a border out of entities was reached from out, 1 + label where from inside.
    stayed: Whether a border inside a label was reached from inside it.
    choice: The tag from out to out, O or a unit.
    """
    tags = np.empty_like(origin)
    after = np.zeros(0, dtype=np.int64)  # 0: out, 1 + label: inside
    for here in reversed(_list_slices(steps)):
        # Sequences that end here are out.
        after = np.append(after, np.zeros(here.stop - here.start - len(after), dtype=np.int64))
        label = np.maximum(after - 1, 0)
        is_within = after > 0
        stays = is_within & stayed[here][np.arange(len(after)), label] if stayed.size else is_within
        before = np.where(is_within, np.where(stays, after, 0), origin[here])
        # By the numbers of tags: B is 4i + 1, I 4i + 2, L 4i + 3, U 4i + 4 for label i.
        in_tag = 4 * label + np.where(stays, 2, 1)
        out_tag = np.where(before > 0, 4 * before - 1, choice[here])
        tags[here] = np.where(is_within, in_tag, out_tag)
        after = before
    return tags


def span_log_probs_on_host(scores: Tensor, counts: IntArray, spans: IntArray) -> Doubles | None:
    """Log probability of each entity, as `posteriors.span_log_probs` defines it.

    counts: Number of tokens of each sequence.
    spans: Rows [start, end, label index], each within its sequence.
    RETURNS: None where numbers this small cannot be told from 0: then logarithms are needed.
    Shape: scores (n_tokens, n_tags), finite -> (n_spans,).
    """
    shares = torch.softmax(scores, 1).numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        before, whole = _sum_ways(shares, counts, is_reversed=False)
        after, _ = _sum_ways(shares, counts, is_reversed=True)
        start, end = spans[:, 0], spans[:, 1]
        begins = np.cumsum(end - start) - (end - start)
        own = np.add.reduceat(np.log(_follow(shares, spans)), begins)
        owners = np.searchsorted(np.cumsum(counts), start, side="right")
        found: Doubles = before[start] + own + after[end - 1] - whole[owners]
    return found if np.isfinite(found).all() else None


def _follow(shares: FloatArray, spans: IntArray) -> Doubles:
    """Probability of the tag that each token of each entity has. Shape: (n_span_tokens,)"""
    start, end, label = spans.T
    lengths = end - start
    kinds = np.full(int(lengths.sum()), 1)
    ends = np.cumsum(lengths)
    kinds[ends - lengths], kinds[ends - 1] = 0, 2
    kinds[(ends - 1)[lengths == 1]] = 3
    tags = 1 + 4 * np.repeat(label, lengths) + kinds
    found: Doubles = shares[expand_runs(start, lengths), tags].astype(np.float64)
    return found


def _sum_ways(
    shares: FloatArray, counts: IntArray, *, is_reversed: bool
) -> tuple[Doubles, Doubles]:
    """Sum over all legal ways up to each token.

    is_reversed: From right to left: over all that may come after each token.
    RETURNS: Log weight of being out of every entity before each token (after it), and of all
        ways through each sequence.
    Shape: shares (n_tokens, n_tags) -> (n_tokens,), (n_sequences,).
    """
    steps = plan_steps(counts, is_reversed=is_reversed)
    rows = split_rows(shares[steps.rows])
    begin, last = (rows.last, rows.begin) if is_reversed else (rows.begin, rows.last)
    stay_out = rows.outside + rows.unit.sum(1)
    n_first = int(steps.n_active[0]) if len(steps.n_active) else 0
    out, within = np.ones(n_first), np.zeros((n_first, begin.shape[1]))
    scale, total = np.zeros(n_first), np.zeros(len(counts))
    weights, scales = np.empty(len(shares)), np.empty(len(shares))
    for here in _list_slices(steps):
        n_active = here.stop - here.start
        total[n_active : len(out)] = (np.log(out) + scale)[n_active:]
        out, within, scale = out[:n_active], within[:n_active], scale[:n_active]
        weights[here], scales[here] = out, scale
        leaving = np.einsum("ij,ij->i", within, last[here])
        within = within * rows.inside[here] + out[:, None] * begin[here]
        out = out * stay_out[here] + leaving
        size = out + within.sum(1)
        out, within, scale = out / size, within / size[:, None], scale + np.log(size)
    total[: len(out)] = np.log(out) + scale
    whole, ways = np.empty_like(total), np.empty_like(weights)
    whole[steps.order], ways[steps.rows] = total, np.log(weights) + scales
    return ways, whole


def _list_slices(steps: Steps) -> list[slice]:
    """The rows of each step."""
    ends = np.cumsum(steps.n_active).tolist()
    return [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]
