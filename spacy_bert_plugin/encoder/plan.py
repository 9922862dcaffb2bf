"""Which rows of a packed batch attend to each other, in the forms that kernels ask for.

lengths    3 3 2
rows       a a a b b b c c
groups     (2 windows of 3), (1 window of 2)
borders    0     3     6   8
padded     a a a b b b c c .       rows of `padded_rows`: 0 1 2 3 4 5 6 7
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby

import torch
from torch import Tensor

# Finite, so that no difference is NaN, and within the range of bf16.
PADDING_SCORE = -1e30
# Windows of blocks are padded to multiples of a step, by the length up to which it holds. Shorter
# and longer ones stay as they are.
SHORT_BLOCK = 24
BLOCK_STEPS = {64: 4, 512: 16}


@dataclass(frozen=True, eq=False)
class Bucket:
    """Some windows padded to the longest of them.

    n_windows, length, n_rows: Windows, pieces of the longest, pieces of all.
    rows: Where each row lies among the padded ones, None where nothing is padded.
        Shape: (n_rows,), int64
    bias: What to add to scores: 0.0 for pieces, far below for padding.
        Shape: (n_windows, 1, 1, length)
    """

    n_windows: int
    length: int
    n_rows: int
    rows: Tensor | None
    bias: Tensor | None

    @classmethod
    def of(cls, lengths: tuple[int, ...], device: torch.device) -> Bucket:
        """Make the bucket of windows that lie next to each other."""
        longest, n_rows = max(lengths), sum(lengths)
        if longest * len(lengths) == n_rows:
            return cls(len(lengths), longest, n_rows, None, None)
        is_real = torch.arange(longest) < torch.tensor(lengths)[:, None]
        bias = torch.zeros(is_real.shape).masked_fill_(~is_real, PADDING_SCORE)
        rows = is_real.flatten().nonzero()[:, 0]
        return cls(len(lengths), longest, n_rows, rows.to(device), bias[:, None, None].to(device))

    def pad(self, x: Tensor) -> Tensor:
        """Lay rows where they are when padded. Shape: (n_rows, n) -> (n_windows * length, n)"""
        if self.rows is None:
            return x
        padded = x.new_zeros(self.n_windows * self.length, x.shape[1])
        return padded.index_copy_(0, self.rows, x)

    def unpad(self, x: Tensor) -> Tensor:
        """Take the padding out again. Shape: (n_windows * length, n) -> (n_rows, n)"""
        return x if self.rows is None else x[self.rows]


@dataclass(frozen=True, eq=False)
class AttentionPlan:
    """Which rows of a packed batch belong to one window.

    lengths: Pieces of each window, in the order of the rows, at least 1.
    device: Device of the rows.
    """

    lengths: tuple[int, ...]
    device: torch.device

    @cached_property
    def groups(self) -> list[tuple[int, int]]:
        """Number of windows and their length, for each run of windows of equal length."""
        return [(len(list(run)), length) for length, run in groupby(self.lengths)]

    @cached_property
    def blocks(self) -> list[tuple[int, tuple[int, ...]]]:
        """Runs of windows that have few different lengths when padded: that length, and theirs.

        Very short windows keep their length, as they would grow by much, and so do very long ones:
        in a run of them all are equally long.
        """
        runs = groupby(self.lengths, key=_pad_to_block)
        return [(length, tuple(run)) for length, run in runs]

    @cached_property
    def longest(self) -> int:
        """Pieces of the longest window."""
        return max(self.lengths, default=0)

    @cached_property
    def borders(self) -> Tensor:
        """First row of each window, then the number of rows, on the device.

        Shape: (n_windows + 1,), int32.
        """
        return self._send(torch.tensor([0, *accumulate(self.lengths)], dtype=torch.int32))

    @cached_property
    def padded_rows(self) -> Tensor:
        """Where each row lies when every window is padded to the longest, on the device.

        Shape: (n_pieces,), int64.
        """
        return self._send(self._is_real.flatten().nonzero()[:, 0])

    @cached_property
    def padded_mask(self) -> Tensor:
        """Which places of padded windows hold a piece, on the device.

        Shape: (n_windows, longest), bool.
        """
        return self._send(self._is_real)

    def list_buckets(self, step: int) -> list[Bucket]:
        """Windows of about the same length together, in the order of the rows.

        step: Lengths are rounded up to a multiple of it.
        """
        if step not in self._buckets:
            runs = groupby(self.lengths, key=lambda length: -(-length // step) * step)
            self._buckets[step] = [Bucket.of(tuple(run), self.device) for _, run in runs]
        return self._buckets[step]

    @cached_property
    def _buckets(self) -> dict[int, list[Bucket]]:
        return {}

    @cached_property
    def _is_real(self) -> Tensor:
        return torch.arange(self.longest) < torch.tensor(self.lengths)[:, None]

    def _send(self, values: Tensor) -> Tensor:
        return values.to(self.device, non_blocking=True)


def plan_attention(
    lengths: tuple[int, ...], *, device: torch.device
) -> tuple[AttentionPlan, Tensor | None]:
    """Plan attention. On CPU windows of equal length have to lie next to each other.

    lengths: Pieces of each window.
    device: Device of the pieces.
    RETURNS: The plan, and the row of the input for each row of the plan, or None where rows can
        stay as they are.
    Shape: rows (n_pieces,), int64.
    """
    filled = tuple(length for length in lengths if length)
    if device.type != "cpu" or _is_sorted(filled):
        return AttentionPlan(filled, device), None
    starts = [0, *accumulate(lengths)]
    windows = sorted(range(len(lengths)), key=lengths.__getitem__)
    rows = [row for window in windows for row in range(starts[window], starts[window + 1])]
    return AttentionPlan(tuple(sorted(filled)), device), torch.tensor(rows)


def _pad_to_block(length: int) -> int:
    if length <= SHORT_BLOCK:
        return length
    step = next((step for longest, step in BLOCK_STEPS.items() if length <= longest), 1)
    return -(-length // step) * step


def _is_sorted(lengths: tuple[int, ...]) -> bool:
    ascending = sorted(lengths)
    return list(lengths) in (ascending, ascending[::-1])
