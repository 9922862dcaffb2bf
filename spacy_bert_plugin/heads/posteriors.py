"""How likely an entity is, summed over everything that the rest of the sequence may be.

    all that may come before | B-x I-x .. I-x L-x | all that may come after
        (walk, left to right)     (one way)          (walk, right to left)

Paper: Culotta and McCallum, Confidence Estimation for Information Extraction,
https://aclanthology.org/N04-4028
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import Errors, SettingError
from ..pieces import IntArray
from .chain import Transitions, check_scores, split_tags, walk
from .host_walks import is_on_host, span_log_probs_on_host
from .lattice import to_finite
from .steps import check_lengths, list_rows


@dataclass(frozen=True)
class Posteriors:
    """What comes before and after each token, its own tag left out; the whole sequence sums to 1.

    begin, inside, last, unit: Score of the tag of each token and label.
        Shape: (n_labels, n_tokens)
    before_begin, before_unit: Weight of what comes before B or U.
        Shape: (n_labels, n_tokens)
    after_begin, after_inside, after_last, after_unit: Weight of what comes after.
        Shape: (n_labels, n_tokens)
    steps: Scores of B to I, B to L, I to I and I to L.
        Shape: (4, n_labels)
    """

    begin: Tensor
    inside: Tensor
    last: Tensor
    unit: Tensor
    before_begin: Tensor
    before_unit: Tensor
    after_begin: Tensor
    after_inside: Tensor
    after_last: Tensor
    after_unit: Tensor
    steps: Tensor


def span_log_probs(
    emissions: Tensor,
    lengths: Sequence[int] | IntArray,
    transitions: Transitions | None = None,
    *,
    spans: Tensor | IntArray,
    scale: float = 1.0,
) -> Tensor:
    """Log probability of each entity: that the sequence has exactly it, with its label.

    emissions: Score of each tag of each token.
    lengths: Number of tokens of each sequence.
    transitions: Learned scores of neighbouring tags.
    spans: Rows [start, end, label index] in the numbers of tokens. A span that reaches over the
        end of its sequence has probability 0.
    scale: Factor on all scores, those of transitions too: one over the temperature.
    Shape: emissions (n_tokens, n_tags), spans (n_spans, 3) -> (n_spans,), at most 0, no gradient.
    Raises: SettingError if shapes or lengths do not fit.
    """
    n_labels = check_scores(emissions, transitions=transitions)
    spans = _check_spans(spans, len(emissions), n_labels).to(emissions.device)
    if not len(spans):
        return emissions.new_zeros(0, dtype=_float_type(emissions))
    counts = check_lengths(lengths, n_tokens=len(emissions))
    start, end, label = spans.unbind(1)
    ends = torch.from_numpy(np.cumsum(counts)).to(spans.device)
    owners = torch.searchsorted(ends, start.contiguous(), right=True)
    is_inside = end <= ends[owners]
    result = emissions.new_full((len(spans),), -torch.inf, dtype=_float_type(emissions))
    # Nothing is asked of the sequences that have no span.
    chosen = np.bincount(owners[is_inside].cpu().numpy(), minlength=len(counts)) > 0
    rows = torch.from_numpy(list_rows(counts, chosen)).to(emissions.device)
    place = torch.empty(len(emissions) + 1, dtype=torch.int64, device=emissions.device)
    place[rows] = torch.arange(len(rows), device=emissions.device)
    start, label = place[start[is_inside]], label[is_inside]
    end = place[end[is_inside] - 1] + 1
    scores = to_finite(emissions.detach()[rows]) * scale
    asked = torch.stack([start, end, label], 1)
    result[is_inside] = _score_spans(
        scores, counts[chosen], transitions and transitions.scale(scale), asked
    )
    return result


def _score_spans(
    scores: Tensor, counts: IntArray, transitions: Transitions | None, spans: Tensor
) -> Tensor:
    """Log probability of entities that lie within their sequences. Shape: (n_spans,)"""
    if not transitions and is_on_host(scores):
        quick = span_log_probs_on_host(scores, counts, spans.numpy())
        if quick is not None:
            return torch.from_numpy(quick).to(scores.dtype).clamp(max=0.0)
    found = _find_posteriors(scores, counts, transitions)
    start, end, label = spans.unbind(1)
    # Only whole spans of two tokens and more have inner tokens; fp64 keeps the long sum exact.
    total = torch.nn.functional.pad(found.inside.double().cumsum(1), (1, 0))
    is_unit = end - start == 1
    inner_end = torch.where(is_unit, start + 1, end - 1)
    inner = (total[label, inner_end] - total[label, start + 1]).to(found.inside.dtype)
    n_inner = inner_end - start - 1
    b_to_i, b_to_l, i_to_i, i_to_l = found.steps[:, label]
    ways = torch.where(n_inner > 0, b_to_i + i_to_i * (n_inner - 1) + i_to_l, b_to_l)
    whole = found.before_begin + found.begin
    close = found.last + found.after_last
    long = whole[label, start] + inner + ways + close[label, end - 1]
    unit = (found.before_unit + found.unit + found.after_unit)[label, start]
    return torch.where(is_unit, unit, long).clamp(max=0.0)


def find_candidates(
    emissions: Tensor,
    lengths: Sequence[int] | IntArray,
    transitions: Transitions | None = None,
    *,
    min_probability: float,
    max_length: int,
) -> tuple[Tensor, Tensor]:
    """Find all entities that are likely enough; they may overlap.

    An entity cannot be likelier than what it begins with, so beginnings are extended token by
    token and dropped as soon as they fall below the limit: at most 1 / min_probability of them
    lie over any token.

    emissions, lengths, transitions: As in `span_log_probs`.
    min_probability: Smallest probability of an entity, over 0 and at most 1.
    max_length: Number of tokens of the longest entity.
    RETURNS: Rows [start, end, label index], sorted, and their log probabilities.
    Shape: emissions (n_tokens, n_tags) -> (n_spans, 3), int64, and (n_spans,), no gradient.
    Raises: SettingError if a setting is out of range, or shapes or lengths do not fit.
    """
    check_scores(emissions, transitions=transitions)
    if not 0.0 < min_probability <= 1.0:
        expected = "over 0 and at most 1"
        raise SettingError(
            Errors.SB355.format(name="min_probability", expected=expected, got=min_probability)
        )
    if max_length < 1:
        raise SettingError(
            Errors.SB355.format(name="max_length", expected="at least 1", got=max_length)
        )
    found = _find_posteriors(emissions, lengths, transitions)
    spans, scores = _grow(found, least=math.log(min_probability), max_length=max_length)
    n_labels = len(found.begin)
    rank = ((spans[:, 0] * (len(emissions) + 1) + spans[:, 1]) * n_labels + spans[:, 2]).argsort()
    return spans[rank], scores[rank].clamp(max=0.0)


def _grow(found: Posteriors, *, least: float, max_length: int) -> tuple[Tensor, Tensor]:
    """Extend beginnings from left to right."""
    units = found.before_unit + found.unit + found.after_unit
    label, start = torch.nonzero(units >= least, as_tuple=True)
    spans, scores = [torch.stack([start, start + 1, label], 1)], [units[label, start]]
    opened = found.before_begin + found.begin
    label, start = torch.nonzero(opened + found.after_begin >= least, as_tuple=True)
    score = opened[label, start]
    b_to_i, b_to_l, i_to_i, i_to_l = found.steps
    close, go_on = found.last + found.after_last, found.inside
    to_l, to_i = b_to_l, b_to_i
    for length in range(2, max_length + 1):
        if not len(start):
            break
        # Nothing can follow B or I on the last token of a sequence, so this stays inside it.
        at = start + (length - 1)
        closed = score + to_l[label] + close[label, at]
        is_good = closed >= least
        rows = torch.stack([start, at + 1, label], 1)
        spans.append(rows[is_good])
        scores.append(closed[is_good])
        score = score + to_i[label] + go_on[label, at]
        is_open = score + found.after_inside[label, at] >= least
        start, label, score = start[is_open], label[is_open], score[is_open]
        to_l, to_i = i_to_l, i_to_i
    return torch.cat(spans), torch.cat(scores)


@torch.no_grad()  # type: ignore[untyped-decorator,unused-ignore]
def _find_posteriors(
    emissions: Tensor, lengths: Sequence[int] | IntArray, transitions: Transitions | None
) -> Posteriors:
    """Walk both ways."""
    counts = check_lengths(lengths, n_tokens=len(emissions))
    scores = to_finite(emissions)
    n_labels = scores.shape[1] // 4
    # A constant for each token changes no posterior, and small sums keep their digits.
    scores = scores.log_softmax(1)
    transitions = transitions.apply(to_finite) if transitions else None
    before = walk(scores, counts, transitions)
    after = walk(scores, counts, transitions, is_reversed=True)
    sequence = torch.from_numpy(np.repeat(np.arange(len(counts)), counts)).to(scores.device)
    sizes = [1, n_labels, n_labels]
    _, before_begin, before_unit = torch.split(before.by_token(n_labels)[0], sizes)
    after_out, after_in = after.by_token(n_labels)
    whole = before.total[sequence]
    _, after_last, after_unit = torch.split(after_out - whole, sizes)
    after_inside, after_begin = (after_in - whole).unbind()
    _, begin, inside, last, unit = split_tags(scores)
    steps = scores.new_zeros(4, n_labels)
    if transitions:
        steps = transitions.inside.flatten(1).T
    return Posteriors(
        begin=begin,
        inside=inside,
        last=last,
        unit=unit,
        before_begin=before_begin,
        before_unit=before_unit,
        after_begin=after_begin,
        after_inside=after_inside,
        after_last=after_last,
        after_unit=after_unit,
        steps=steps,
    )


def _float_type(emissions: Tensor) -> torch.dtype:
    return torch.float64 if emissions.dtype == torch.float64 else torch.float32


def _check_spans(spans: Tensor | IntArray, n_tokens: int, n_labels: int) -> Tensor:
    rows = torch.as_tensor(spans).long()
    if not rows.numel():
        return rows.new_zeros((0, 3))
    if rows.ndim != 2 or rows.shape[1] != 3:
        got = f"shape {tuple(rows.shape)}"
        raise SettingError(Errors.SB356.format(n_tokens=n_tokens, n_labels=n_labels, got=got))
    start, end, label = rows.unbind(1)
    is_good = (start >= 0) & (start < end) & (end <= n_tokens) & (label >= 0) & (label < n_labels)
    if not bool(is_good.all()):
        got = str(rows[~is_good][0].tolist())
        raise SettingError(Errors.SB356.format(n_tokens=n_tokens, n_labels=n_labels, got=got))
    return rows
