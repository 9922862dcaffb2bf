"""Multi-head self-attention inside each window of a packed batch.

Paper: Vaswani et al., Attention Is All You Need, section 3.2, https://arxiv.org/abs/1706.03762
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .linear import WeightCache, apply_linear


class SelfAttention(nn.Module):
    """Queries, keys, values and the map that joins the heads again.

    width: Size of the vectors.
    n_heads: Number of heads, each of size width / n_heads.
    """

    def __init__(self, width: int, *, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self._in_cache = WeightCache()
        self._out_cache = WeightCache()

    def forward(self, x: Tensor, plan: AttentionPlan, *, dropout: float = 0.0) -> Tensor:
        """Let the pieces of each window attend to each other.

        x: Vectors of all windows, sorted by length.
        plan: Which rows belong together.
        dropout: Rate for attention weights.
        Shape: x (n_pieces, width) -> (n_pieces, width).
        """
        qkv = apply_linear(x, (self.query, self.key, self.value), self._in_cache)
        context = attend(qkv, plan, n_heads=self.n_heads, dropout=dropout)
        return apply_linear(context, (self.output,), self._out_cache)


@dataclass(frozen=True)
class AttentionPlan:
    """Which rows of a packed batch belong to one window.

    lengths: Pieces of each window, in the order of the rows.
    """

    lengths: tuple[int, ...]

    @cached_property
    def groups(self) -> list[tuple[int, int]]:
        """Number of windows and their length, for each run of windows of equal length."""
        return [(len(list(run)), length) for length, run in groupby(self.lengths) if length]


def plan_attention(
    lengths: tuple[int, ...], *, device: torch.device
) -> tuple[AttentionPlan, Tensor | None]:
    """Plan attention, with windows of equal length next to each other.

    lengths: Pieces of each window.
    device: Device of the pieces.
    Shape: the second result is None where rows can stay as they are, else the row of the input
        for each row of the plan, (n_pieces,).
    """
    ascending = sorted(lengths)
    if list(lengths) in (ascending, ascending[::-1]):
        return AttentionPlan(lengths), None
    starts = [0, *accumulate(lengths)]
    windows = sorted(range(len(lengths)), key=lengths.__getitem__)
    rows = [row for window in windows for row in range(starts[window], starts[window + 1])]
    return AttentionPlan(tuple(ascending)), torch.tensor(rows, device=device)


def attend(qkv: Tensor, plan: AttentionPlan, *, n_heads: int, dropout: float = 0.0) -> Tensor:
    """Attend within windows.

    qkv: Queries, keys and values side by side.
    plan: Which rows belong together.
    n_heads: Number of heads.
    dropout: Rate for attention weights.
    Shape: qkv (n_pieces, 3 * width) -> (n_pieces, width).
    """
    width = qkv.shape[1] // 3
    if not plan.groups:
        return qkv[:, :width]
    parts: list[Tensor] = []
    start = 0
    for n_windows, length in plan.groups:
        stop = start + n_windows * length
        q, k, v = qkv[start:stop].view(n_windows, length, 3, n_heads, -1).permute(2, 0, 3, 1, 4)
        context = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
        parts.append(context.transpose(1, 2).reshape(stop - start, width))
        start = stop
    return torch.cat(parts) if len(parts) > 1 else parts[0]
