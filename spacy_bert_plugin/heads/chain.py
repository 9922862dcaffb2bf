"""The linear chain of BILUO tags, walked over the borders between tokens.

At a border a sequence is either out of every entity or inside one label, and a tag is a step from
one border to the next:

    out  --O, U-x-->  out        out   --B-x-->  in x
    in x   --L-x-->   out        in x  --I-x-->  in x

So a step over n labels needs 1 + n numbers, not the square of the 1 + 4n tags. Learned transitions
tell apart by which tag a border was reached: {O, L, U} for out and {B, I} for in.

Read from right to left the picture is the same with B and L swapped, so one walk does both ways.

Paper: Lafferty et al., Conditional Random Fields, https://repository.upenn.edu/cis_papers/159/
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import Errors, SettingError
from ..pieces import IntArray
from .steps import Steps, plan_steps

# Finite, so that no difference of two of them is NaN. A tag that the annotation rules out is
# still far better than a step that does not exist, so that any result is a legal sequence.
RULED_OUT = -1e30
NO_STEP = -1e36


@dataclass(frozen=True)
class Transitions:
    """Learned scores of neighbouring tags. None in their place means that all are zero.

    out: From {O, L of each label, U of each label} to {O, B of each label, U of each label}.
        Shape: (1 + 2 * n_labels, 1 + 2 * n_labels)
    inside: From {B, I} to {I, L}, for each label.
        Shape: (n_labels, 2, 2)
    start: Of {O, B.., U..} at the first token.
        Shape: (1 + 2 * n_labels,)
    end: Of {O, L.., U..} at the last token.
        Shape: (1 + 2 * n_labels,)
    """

    out: Tensor
    inside: Tensor
    start: Tensor
    end: Tensor

    def reverse(self) -> Transitions:
        """Return the scores as they are met from right to left."""
        inside = self.inside.flip(1, 2).transpose(1, 2)
        return Transitions(self.out.T, inside, start=self.end, end=self.start)

    def scale(self, factor: float) -> Transitions:
        """Return all scores times a factor: what a temperature does to them."""
        return self.apply(lambda scores: scores * factor)

    def apply(self, function: Callable[[Tensor], Tensor]) -> Transitions:
        """Return what a function makes of each tensor."""
        return Transitions(*map(function, (self.out, self.inside, self.start, self.end)))


@dataclass(frozen=True)
class Walk:
    """The log of the summed weight of all ways, up to each token and through each sequence.

    steps: The order in which rows lie.
    out: Weight of arriving before the tag at each row, by what the tag will be, O, B.. or U..; one
        number for all of them without transitions. One tensor a step.
        Shape: (1 + 2 * n_labels, n_rows) or (1, n_rows)
    inside: The same if the tag will be I or L, for each label. One tensor a step.
        Shape: (2, n_labels, n_rows) or (1, n_labels, n_rows)
    total: Weight of all ways through each sequence.
        Shape: (n_sequences,)
    """

    steps: Steps
    out: list[Tensor]
    inside: list[Tensor]
    total: Tensor

    def by_token(self, n_labels: int) -> tuple[Tensor, Tensor]:
        """Return out and inside in the order of tokens, written out for every tag.

        Shape: (1 + 2 * n_labels, n_tokens) and (2, n_labels, n_tokens).
        """
        if not self.out:
            zeros = self.total.new_zeros
            return zeros((1 + 2 * n_labels, 0)), zeros((2, n_labels, 0))
        rows = self.steps.rows_on(self.total.device)
        back = torch.empty_like(rows)
        back[rows] = torch.arange(len(rows), device=rows.device)
        out, inside = torch.cat(self.out, 1)[:, back], torch.cat(self.inside, 2)[:, :, back]
        return out.expand(1 + 2 * n_labels, -1), inside.expand(2, -1, -1)


def walk(
    emissions: Tensor,
    counts: IntArray,
    transitions: Transitions | None,
    *,
    is_reversed: bool = False,
) -> Walk:
    """Sum over all legal sequences, one token of every sequence at a time.

    emissions: Score of each tag of each token.
    counts: Number of tokens of each sequence.
    transitions: Learned scores of neighbouring tags.
    is_reversed: Walk from right to left: the result is about what comes after each token, and out
        and inside go by what its tag is: O, L.., U.. and I, B.
    Shape: emissions (n_tokens, n_tags).
    """
    steps = plan_steps(counts, is_reversed=is_reversed)
    outside, begin, inside, last, unit = sort_scores(emissions, steps)
    if is_reversed:
        begin, last = last, begin
        transitions = transitions.reverse() if transitions else None
    parts = outside, begin, inside, last, unit
    if transitions:
        out_steps, in_steps, ended = _walk_learned(parts, steps.sizes, transitions)
    else:
        out_steps, in_steps, ended = _walk_plain(parts, steps.sizes)
    # The longest sequences end last, so the last to end comes first.
    n_empty = len(counts) - sum(map(len, ended))
    total = torch.cat([*reversed(ended), emissions.new_zeros(n_empty)])
    order = steps.order_on(emissions.device)
    return Walk(steps, out_steps, in_steps, torch.zeros_like(total).index_copy(0, order, total))


Tags = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
Course = tuple[list[Tensor], list[Tensor], list[Tensor]]


def split_tags(emissions: Tensor) -> Tags:
    """Split scores into those of O, B, I, L and U, turned round: sequences run along the rows.

    Shape: (n_tokens, 1 + 4 * n_labels) -> (1, n_tokens) and four of (n_labels, n_tokens).
    """
    scores = emissions.T.contiguous()
    n_tags, n_tokens = scores.shape
    begin, inside, last, unit = scores[1:].view(n_tags // 4, 4, n_tokens).unbind(1)
    return scores[:1], begin, inside, last, unit


def sort_scores(emissions: Tensor, steps: Steps) -> Tags:
    """Split scores and lay them in the order of the steps.

    Shape: as in `split_tags`.
    """
    return split_tags(emissions.index_select(0, steps.rows_on(emissions.device)))


def _walk_plain(parts: Tags, sizes: list[int]) -> Course:
    """Walk without transitions.

    The state is (1 + n_labels, n_active): out, then inside each label.
    """
    outside, begin, inside, last, unit = parts
    leave = torch.cat([torch.cat([outside, unit]).logsumexp(0, keepdim=True), last])
    state = open_borders(leave, sizes)
    course: Course = ([], [], [])
    # One split, not a slice a step: the gradient of a slice is as large as what it was cut from.
    slices = (torch.split(x, sizes, 1) for x in (leave, begin, inside))
    for size, (goes_out, begins, stays) in zip(sizes, zip(*slices, strict=True), strict=True):
        if size < state.shape[1]:
            course[2].append(state[0, size:])
            state = state[:, :size]
        out, within = state[:1], state[1:]
        course[0].append(out)
        course[1].append(within[None])
        now_out = (state + goes_out).logsumexp(0, keepdim=True)
        state = torch.cat([now_out, torch.logaddexp(out + begins, within + stays)])
    course[2].append(state[0])
    return course


def _walk_learned(parts: Tags, sizes: list[int], scores: Transitions) -> Course:
    """Walk with transitions: what is reached goes by the tag that reached it."""
    outside, begin, inside, last, unit = parts
    to_out, to_in = torch.cat([outside, begin, unit]), torch.stack([inside, last])
    arrive_out, arrive_in = open_tags(to_out, to_in, sizes, scores)
    out_table, in_table = order_tables(scores)
    course: Course = ([], [], [])
    slices = (torch.split(x, sizes, -1) for x in (to_out, to_in))
    following = [*sizes, 0][1:]
    for n_next, (out_scores, in_scores) in zip(following, zip(*slices, strict=True), strict=True):
        course[0].append(arrive_out)
        course[1].append(arrive_in)
        out, within = regroup(arrive_out + out_scores, arrive_in + in_scores)
        if n_next < out.shape[1]:
            course[2].append((out[:, n_next:] + scores.end[:, None]).logsumexp(0))
        arrive_out = (out[:, None, :n_next] + out_table).logsumexp(0)
        arrive_in = (within[:, None, :, :n_next] + in_table).logsumexp(0)
    return course


def open_borders(scores: Tensor, sizes: list[int]) -> Tensor:
    """Return the state before the first token: out, and inside no label.

    Shape: scores (1 + n_labels, n_rows) -> (1 + n_labels, n_active).
    """
    state = scores.new_full((len(scores), sizes[0] if sizes else 0), NO_STEP)
    state[0] = 0.0
    return state


def open_tags(
    to_out: Tensor, to_in: Tensor, sizes: list[int], scores: Transitions
) -> tuple[Tensor, Tensor]:
    """Return the weight of arriving at the first token, by its tag: O, B.. or U.., and I or L."""
    n_first = sizes[0] if sizes else 0
    start = scores.start.to(to_out.dtype)[:, None].expand(-1, n_first)
    return start, to_in.new_full((*to_in.shape[:2], n_first), NO_STEP)


def order_tables(scores: Transitions) -> tuple[Tensor, Tensor]:
    """Lay transitions as from, to, (label,) sequence."""
    return scores.out[:, :, None], scores.inside.permute(1, 2, 0)[..., None]


def regroup(reached_out: Tensor, reached_in: Tensor) -> tuple[Tensor, Tensor]:
    """Sort what was reached by the border it leads to.

    reached_out: By O, B.. and U...
    reached_in: By I and L, for each label.
    Shape: (1 + 2 * n_labels, n) and (2, n_labels, n) -> {O, L.., U..} of shape
        (1 + 2 * n_labels, n) and {B, I} of shape (2, n_labels, n).
    """
    n_labels = reached_in.shape[1]
    outside, begin, unit = torch.split(reached_out, [1, n_labels, n_labels])
    inside, last = reached_in.unbind()
    return torch.cat([outside, last, unit]), torch.stack([begin, inside])


def check_scores(
    emissions: Tensor, *, transitions: Transitions | None = None, allowed: Tensor | None = None
) -> int:
    """Return the number of labels.

    Raises: SettingError if a shape does not fit the others.
    """
    if emissions.ndim != 2 or emissions.shape[1] % 4 != 1:
        expected, got = "(n_tokens, 1 + 4 * n_labels)", tuple(emissions.shape)
        raise SettingError(Errors.SB359.format(name="emissions", expected=expected, got=got))
    n_labels = emissions.shape[1] // 4
    wanted: list[tuple[str, Tensor, tuple[int, ...]]] = []
    if transitions:
        n_out = 1 + 2 * n_labels
        wanted += [
            ("out", transitions.out, (n_out, n_out)),
            ("inside", transitions.inside, (n_labels, 2, 2)),
            ("start", transitions.start, (n_out,)),
            ("end", transitions.end, (n_out,)),
        ]
    if allowed is not None:
        wanted.append(("allowed", allowed, tuple(emissions.shape)))
    for name, tensor, shape in wanted:
        if tuple(tensor.shape) != shape:
            got = tuple(tensor.shape)
            raise SettingError(Errors.SB359.format(name=name, expected=shape, got=got))
    return n_labels
