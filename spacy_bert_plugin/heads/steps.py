"""Sequences of different lengths walked side by side, without padding.

    tokens     a0 a1 | b0 b1 b2 | c0          lengths [2, 3, 1]
    longest first     b, a, c
    step 0: b0 a0 c0      step 1: b1 a1      step 2: b2
    rows    [2, 0, 5,             3, 1,              4]

A step takes a slice of the rows and the first `n_active` sequences, so nothing is masked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..errors import Errors, SettingError
from ..pieces import IntArray, expand_runs


@dataclass(frozen=True)
class Steps:
    """Which tokens are looked at in which step.

    order: Sequences, longest first.
        Shape: (n_sequences,)
    rows: Token of each row, step after step.
        Shape: (n_tokens,)
    n_active: Number of sequences that have a token in each step.
        Shape: (n_steps,)
    """

    order: IntArray
    rows: IntArray
    n_active: IntArray

    @property
    def sizes(self) -> list[int]:
        """Number of rows of each step."""
        sizes: list[int] = self.n_active.tolist()
        return sizes

    def rows_on(self, device: torch.device) -> Tensor:
        """Return the rows as a tensor."""
        return torch.from_numpy(self.rows).to(device)

    def order_on(self, device: torch.device) -> Tensor:
        """Return the order as a tensor."""
        return torch.from_numpy(self.order).to(device)


def check_lengths(lengths: Sequence[int] | IntArray, *, n_tokens: int) -> IntArray:
    """Return the lengths as an array.

    Raises: SettingError unless they are whole numbers of at least 0 that add up to n_tokens.
    """
    counts = np.asarray(lengths)
    if not counts.size and not n_tokens:
        return np.zeros(0, dtype=np.int64)
    is_whole = counts.ndim == 1 and counts.dtype.kind in "iu"
    if not is_whole or counts.min(initial=0) < 0 or int(counts.sum()) != n_tokens:
        raise SettingError(Errors.SB354.format(n_tokens=n_tokens, got=lengths))
    return counts.astype(np.int64)


def plan_steps(counts: IntArray, *, is_reversed: bool = False) -> Steps:
    """Plan a walk through all sequences at once.

    counts: Number of tokens of each sequence.
        Shape: (n_sequences,)
    is_reversed: Walk from the last token of each sequence to its first.
    """
    order = np.argsort(-counts, kind="stable")
    n_steps = int(counts.max(initial=0))
    steps = np.arange(n_steps)
    n_active = len(counts) - np.searchsorted(counts[order][::-1], steps, side="right")
    n_active = n_active.astype(np.int64)
    step = np.repeat(steps, n_active)
    sequence = order[np.arange(len(step)) - np.repeat(np.cumsum(n_active) - n_active, n_active)]
    ends = np.cumsum(counts)
    rows = ends[sequence] - 1 - step if is_reversed else (ends - counts)[sequence] + step
    return Steps(order, rows, n_active)


def list_rows(counts: IntArray, chosen: npt.NDArray[np.bool_]) -> IntArray:
    """List the tokens of some sequences.

    Shape: counts, chosen (n_sequences,) -> (n_chosen_tokens,).
    """
    return expand_runs((np.cumsum(counts) - counts)[chosen], counts[chosen])
