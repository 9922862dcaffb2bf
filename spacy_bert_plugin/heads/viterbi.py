"""The best legal tags of a sequence.

Paper: Forney, The Viterbi Algorithm, https://doi.org/10.1109/PROC.1973.9030
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..pieces import IntArray
from .biluo import find_legal
from .chain import (
    NO_STEP,
    Tags,
    Transitions,
    check_scores,
    open_borders,
    open_tags,
    order_tables,
    regroup,
    sort_scores,
)
from .host_walks import is_on_host, search
from .lattice import rule_out, to_finite
from .steps import check_lengths, list_rows, plan_steps


def best_tags(
    emissions: Tensor,
    lengths: Sequence[int] | IntArray,
    transitions: Transitions | None = None,
    *,
    allowed: Tensor | None = None,
) -> Tensor:
    """Find the best legal tags of each sequence (Viterbi). Any scores, NaN too, give legal tags.

    Arguments and Raises as in `log_partition`. Tags that are not allowed are taken only where
    nothing else is legal.
    Shape: emissions (n_tokens, n_tags) -> (n_tokens,), int64.
    """
    check_scores(emissions, transitions=transitions, allowed=allowed)
    counts = check_lengths(lengths, n_tokens=len(emissions))
    with torch.no_grad():
        scores = rule_out(to_finite(emissions), allowed)
        if transitions:
            return _search(scores, counts, transitions.apply(to_finite))
        # Without transitions the best tag of each token is best for all, where that is legal: most
        # texts need no search.
        tags = scores.argmax(1)
        is_legal = find_legal(tags.cpu().numpy(), counts)
        if not is_legal.all():
            rows = torch.from_numpy(list_rows(counts, ~is_legal)).to(tags.device)
            tags[rows] = _search(scores[rows], counts[~is_legal], None)
        return tags


def _search(scores: Tensor, counts: IntArray, transitions: Transitions | None) -> Tensor:
    """Find the best legal tags. Shape: scores (n_tokens, n_tags) -> (n_tokens,)"""
    if not transitions and is_on_host(scores):
        return torch.from_numpy(search(scores.numpy(), counts))
    steps = plan_steps(counts)
    parts = sort_scores(scores, steps)
    if transitions:
        found = _follow_learned(parts, steps.sizes, transitions)
    else:
        found = _follow_plain(parts, steps.sizes)
    return torch.empty_like(found).index_copy(0, steps.rows_on(scores.device), found)


def _follow_plain(parts: Tags, sizes: list[int]) -> Tensor:
    """Find the best way over borders: 0 is out, 1 + i inside label i.

    Shape: (n_rows,), the tags.
    """
    outside, begin, inside, last, unit = parts
    stay_out, choice = torch.cat([outside, unit]).max(0)
    leave = torch.cat([stay_out[None], last])
    state = open_borders(leave, sizes)
    left, stayed = [choice[:0]], [begin[:, :0] > 0]
    slices = (torch.split(x, sizes, 1) for x in (leave, begin, inside))
    for size, (goes_out, begins, stays) in zip(sizes, zip(*slices, strict=True), strict=True):
        state = state[:, :size]
        best, origin = (state + goes_out).max(0)
        fresh, on = state[:1] + begins, state[1:] + stays
        left.append(origin)
        stayed.append(on > fresh)
        state = torch.cat([best[None], torch.maximum(on, fresh)])
    labels = torch.arange(1, len(leave), device=choice.device)
    before = torch.cat([torch.cat(left)[None], torch.cat(stayed, 1) * labels[:, None]])
    here = choice.new_zeros(0)
    found = []
    for size, origins in zip(reversed(sizes), reversed(torch.split(before, sizes, 1)), strict=True):
        # Sequences that end here are out.
        here = torch.nn.functional.pad(here, (0, size - len(here)))
        found.append(here)
        here = origins.gather(0, here[None])[0]
    after = torch.cat([*reversed(found), here[:0]])
    origin = before.gather(0, after[None])[0]
    # By the numbers of tags: B is 4i + 1, I 4i + 2, L 4i + 3, U 4i + 4 for label i.
    in_tag = 4 * after - 3 + (origin > 0).long()
    out_tag = torch.where(origin > 0, 4 * origin - 1, 4 * choice)
    return torch.where(after > 0, in_tag, out_tag)


def _follow_learned(parts: Tags, sizes: list[int], scores: Transitions) -> Tensor:
    """Find the best way over tags: where it came from is looked up on the way back only.

    Shape: (n_rows,), the tags.
    """
    outside, begin, inside, last, unit = parts
    to_out, to_in = torch.cat([outside, begin, unit]), torch.stack([inside, last])
    arrive_out, arrive_in = open_tags(to_out, to_in, sizes, scores)
    out_table, in_table = order_tables(scores)
    reached: list[Tensor] = []
    slices = (torch.split(x, sizes, -1) for x in (to_out, to_in))
    following = [*sizes, 0][1:]
    for n_next, (out_scores, in_scores) in zip(following, zip(*slices, strict=True), strict=True):
        out, within = regroup(arrive_out + out_scores, arrive_in + in_scores)
        reached.append(torch.cat([out, within.flatten(0, 1)]))
        # A maximum over nothing is an error, so the last step is as wide as it was.
        n_next = n_next or out.shape[1]
        arrive_out = (out[:, None, :n_next] + out_table).amax(0)
        arrive_in = (within[:, None, :, :n_next] + in_table).amax(0)
    names, table, end = _write_out(scores, n_labels=len(begin))
    here = names[:0]
    found = []
    for weights in reversed(reached):
        n_old = len(here)
        goes_on, ends = weights[:, :n_old] + table[:, here], weights[:, n_old:] + end[:, None]
        ways = torch.cat([goes_on, ends], 1)
        here = ways.argmax(0)
        found.append(here)
    return names[torch.cat([*reversed(found), here[:0]])]


def _write_out(scores: Transitions, *, n_labels: int) -> tuple[Tensor, Tensor, Tensor]:
    """Write transitions as one table over the tags in the order O, L.., U.., B.., I...

    RETURNS: The tags in that order, scores from and to each, scores of ending with each.
    Shape: (n_tags,), (n_tags, n_tags), (n_tags,).
    """
    labels = torch.arange(n_labels, device=scores.out.device)
    n_tags, n_out = 1 + 4 * n_labels, 1 + 2 * n_labels
    names = torch.cat([labels.new_zeros(1), *(4 * labels + kind for kind in (3, 4, 1, 2))])
    table = scores.out.new_full((n_tags, n_tags), NO_STEP)
    last, unit = 1 + labels, 1 + n_labels + labels
    begin, inside = n_out + labels, n_out + n_labels + labels
    to_out = torch.cat([labels.new_zeros(1), begin, unit])
    table[:n_out, to_out] = scores.out
    for start, row in enumerate((begin, inside)):
        for end, column in enumerate((inside, last)):
            table[row, column] = scores.inside[:, start, end]
    ends = torch.nn.functional.pad(scores.end, (0, 2 * n_labels), value=NO_STEP)
    return names, table, ends
