"""Ways to compute attention within windows: the same numbers at different speeds.

CPU     windows of equal length together; by fused kernel or by two matrix products; in bf16 and
        in training windows of about the same length, padded
others  variable-length attention where the device has it, else padded to the longest window

FlashAttention, which the fused kernels implement: Dao et al., https://arxiv.org/abs/2205.14135
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor

from .gradients import attend_in_buckets
from .plan import PADDING_SCORE, AttentionPlan

HALF = (torch.bfloat16, torch.float16)
# Two matrix products with a softmax between them beat the fused kernel for windows of up to so
# many pieces (measured with heads of 32 and 64 on a processor with AVX-512).
LONGEST_BY_MATMUL = {torch.float32: 24, torch.bfloat16: 512}
# With fewer rows than these the calls cost more than the arithmetic.
FEWEST_ROWS_BY_MATMUL = 48
# Between these the sums of exponentials have full precision, and so have their products.
SUM_LIMITS = (1e-30, 1e30)
# Scores of windows that are computed together should stay in the cache of a core.
MAX_SCORE_BYTES = 2 << 20


def attend(qkv: Tensor, plan: AttentionPlan, *, n_heads: int, dropout: float = 0.0) -> Tensor:
    """Attend within windows.

    qkv: Queries, keys and values side by side.
    plan: Which rows belong together.
    n_heads: Number of heads.
    dropout: Rate for attention weights.
    Shape: qkv (n_pieces, 3 * width) -> (n_pieces, width).
    """
    if not plan.lengths:
        return qkv[:, : qkv.shape[1] // 3]
    has_gradient = torch.is_grad_enabled() and qkv.requires_grad
    if qkv.device.type == "cpu" and has_gradient:
        return attend_in_buckets(qkv, plan, n_heads=n_heads, dropout=dropout)
    if qkv.device.type == "cpu":
        return attend_grouped(qkv, plan, n_heads=n_heads, dropout=dropout)
    is_plain = not dropout and not has_gradient
    head_width = qkv.shape[1] // 3 // n_heads
    if is_plain and has_varlen(qkv.device, qkv.dtype, head_width):
        return attend_varlen(qkv, plan, n_heads=n_heads)
    return attend_padded(qkv, plan, n_heads=n_heads, dropout=dropout)


def attend_grouped(
    qkv: Tensor, plan: AttentionPlan, *, n_heads: int, dropout: float = 0.0
) -> Tensor:
    """Attend in one call for each run of windows of equal length.

    Arguments and Shape: as of `attend`.
    """
    if qkv.dtype == torch.bfloat16 and not dropout:
        return attend_in_blocks(qkv, plan, n_heads=n_heads)
    sizes = [n_windows * length for n_windows, length in plan.groups]
    parts = []
    for (n_windows, length), part in zip(plan.groups, torch.split(qkv, sizes), strict=True):
        limit = LONGEST_BY_MATMUL.get(qkv.dtype, 0) if len(part) >= FEWEST_ROWS_BY_MATMUL else 0
        # There is no fused kernel with dropout on CPU.
        if not 1 < length <= limit and not dropout:
            parts.append(_attend_equal(part, n_windows, length, n_heads=n_heads))
            continue
        heads = part.view(n_windows, length, 3, n_heads, -1).permute(2, 0, 3, 1, 4)
        context = _attend_by_matmul(heads, dropout=dropout)
        parts.append(context.transpose(1, 2).reshape(n_windows * length, -1))
    return torch.cat(parts) if len(parts) > 1 else parts[0]


def attend_in_blocks(qkv: Tensor, plan: AttentionPlan, *, n_heads: int) -> Tensor:
    """Attend by products of few shapes: few lengths, numbers of windows that are powers of two.

        23 windows = 16 + 4 + 3 fused, where 2 of them have too few rows

    For matrix products of half precision oneDNN makes code for every shape that it meets, in about
    a millisecond; every thread keeps the last 1,024 of them, 0.3 MB each. There are thousands of
    pairs of a number and a length, so memory would grow for hours.

    Arguments and Shape: as of `attend`.
    """
    parts: list[Tensor] = []
    begin = 0
    for length, lengths in plan.blocks:
        for size, use_matmul in _split_block(len(lengths), length, n_heads, qkv.dtype):
            some, lengths = lengths[:size], lengths[size:]
            rows = qkv[begin : begin + sum(some)]
            begin += len(rows)
            if not use_matmul:
                parts.append(_attend_fused(rows, some, n_heads=n_heads))
                continue
            is_padded = len(rows) < size * length
            padded = _pad_windows(rows, some, length) if is_padded else rows
            heads = padded.view(size, length, 3, n_heads, -1).permute(2, 0, 3, 1, 4)
            context = _attend_by_matmul(heads, lengths=some)
            context = context.transpose(1, 2).reshape(size, length, -1)
            if is_padded:
                parts += [window[:n] for window, n in zip(context, some, strict=True)]
            else:
                parts.append(context.flatten(0, 1))
    return torch.cat(parts) if len(parts) > 1 else parts[0]


def _split_block(
    n_windows: int, length: int, n_heads: int, dtype: torch.dtype
) -> Iterator[tuple[int, bool]]:
    """Cut a number of windows into powers of two, and what is too few or too long for products.

    YIELDS: How many windows, and whether by products. What is not is not padded either.
    """
    most = _count_windows(n_heads, length, dtype)
    is_short = 1 < length <= LONGEST_BY_MATMUL.get(dtype, 0)
    while n_windows:
        size = 1 << (min(n_windows, most).bit_length() - 1)
        use_matmul = is_short and size * length >= FEWEST_ROWS_BY_MATMUL
        yield (size, True) if use_matmul else (n_windows, False)
        n_windows -= size if use_matmul else n_windows


def _attend_fused(rows: Tensor, lengths: Sequence[int], *, n_heads: int) -> Tensor:
    """Attend by the fused kernel, which knows of no padding here: by runs of equal length.

    Shape: (n_pieces, 3 * width) -> (n_pieces, width)
    """
    runs = [(len(list(run)), length) for length, run in groupby(lengths)]
    if len(runs) == 1:
        return _attend_equal(rows, *runs[0], n_heads=n_heads)
    split = torch.split(rows, [n_windows * length for n_windows, length in runs])
    parts = [
        _attend_equal(part, *run, n_heads=n_heads) for run, part in zip(runs, split, strict=True)
    ]
    return torch.cat(parts)


def _attend_equal(part: Tensor, n_windows: int, length: int, *, n_heads: int) -> Tensor:
    """Attend by the fused kernel within windows of one length.

    Shape: (n_windows * length, 3 * width) -> (n_windows * length, width)
    """
    if length == 1:  # a piece that sees but itself; nearly every batch is filled up with such
        return part[:, 2 * (part.shape[1] // 3) :]
    query, key, value = part.view(n_windows, length, 3, n_heads, -1).permute(2, 0, 3, 1, 4)
    context = F.scaled_dot_product_attention(query, key, value)
    return context.transpose(1, 2).reshape(n_windows * length, -1)


def _pad_windows(rows: Tensor, lengths: tuple[int, ...], length: int) -> Tensor:
    """Put zeros behind each window. Shape: (n_pieces, n) -> (n_windows, length, n)"""
    padded = rows.new_zeros(len(lengths), length, rows.shape[1])
    for place, window in zip(padded, torch.split(rows, list(lengths)), strict=True):
        place[: len(window)] = window
    return padded


def attend_padded(
    qkv: Tensor, plan: AttentionPlan, *, n_heads: int, dropout: float = 0.0
) -> Tensor:
    """Attend in one call over windows padded to the longest one.

    Arguments and Shape: as of `attend`.
    """
    n_windows, is_padded = len(plan.lengths), len(plan.groups) > 1
    if is_padded:
        qkv = pad_rows(qkv, plan)
    heads = qkv.view(n_windows, plan.longest, 3, n_heads, -1).permute(2, 0, 3, 1, 4)
    query, key, value = heads.unbind()
    # Without a mask, where all have the same length, faster kernels can run.
    mask = plan.padded_mask[:, None, None] if is_padded else None
    context = F.scaled_dot_product_attention(query, key, value, mask, dropout)
    context = context.transpose(1, 2).reshape(n_windows * plan.longest, -1)
    return context[plan.padded_rows] if is_padded else context


def pad_rows(x: Tensor, plan: AttentionPlan) -> Tensor:
    """Lay rows where they are when every window is padded to the longest, with zeros between.

    x: Rows of all windows.
    plan: Which rows belong together.
    Shape: x (n_pieces, width) -> (n_windows * longest, width).
    """
    padded = x.new_zeros(len(plan.lengths) * plan.longest, *x.shape[1:])
    return padded.index_copy(0, plan.padded_rows, x)


def attend_varlen(qkv: Tensor, plan: AttentionPlan, *, n_heads: int) -> Tensor:
    """Attend in one call that knows where windows begin.

    Arguments and Shape: as of `attend`; CUDA, bf16 or fp16, without gradient.
    """
    from torch.nn.attention.varlen import varlen_attn

    query, key, value = qkv.view(qkv.shape[0], 3, n_heads, -1).unbind(1)
    borders, longest = plan.borders, plan.longest
    # By position: the names of what follows have changed between releases.
    context = varlen_attn(query, key, value, borders, borders, longest, longest)
    return torch.as_tensor(context).reshape(qkv.shape[0], -1)


@cache
def has_varlen(device: torch.device, dtype: torch.dtype, head_width: int) -> bool:
    """Tell whether a device has variable-length attention, by trying it on two rows.

    device, dtype: Where and in which type.
    head_width: Size of a head.
    """
    if device.type != "cuda" or dtype not in HALF:
        return False
    qkv = torch.zeros(2, 3 * head_width, device=device, dtype=dtype)
    try:
        with torch.no_grad():
            attend_varlen(qkv, AttentionPlan((1, 1), device), n_heads=1)
    except (ImportError, RuntimeError, NotImplementedError):
        return False
    return True


def _attend_by_matmul(
    heads: Tensor, *, dropout: float = 0.0, lengths: Sequence[int] = ()
) -> Tensor:
    """Attend by matrix products, a few windows at a time.

    lengths: Of each window without its padding, of so few windows that one product does. Empty if
        nothing is padded.
    Shape: heads (3, n_windows, n_heads, length, head_width)
        -> (n_windows, n_heads, length, head_width).
    """
    _, _, n_heads, length, head_width = heads.shape
    parts = []
    for some in torch.split(heads, _count_windows(n_heads, length, heads.dtype), dim=1):
        query, key, value = some.reshape(3, -1, length, head_width).unbind()
        context = None if dropout else _weigh_by_exp(query, key, value, lengths)
        if context is None:
            weights = F.dropout(_score(query, key, lengths).softmax(-1), dropout)
            context = torch.bmm(weights, value)
        parts.append(context.view(-1, n_heads, length, head_width))
    return torch.cat(parts) if len(parts) > 1 else parts[0]


def _count_windows(n_heads: int, length: int, dtype: torch.dtype) -> int:
    """Most windows whose scores are to be computed at once, at least 1."""
    return max(1, MAX_SCORE_BYTES // (n_heads * length**2 * dtype.itemsize))


def _score(query: Tensor, key: Tensor, lengths: Sequence[int] = ()) -> Tensor:
    """Scaled products, far below all others for padding.

    Shape: (n, length, head_width) twice -> (n, length, length)
    """
    # beta = 0: the first argument is never read.
    scores = torch.baddbmm(
        query.new_empty(()), query, key.transpose(1, 2), beta=0, alpha=query.shape[2] ** -0.5
    )
    if any(length < key.shape[1] for length in lengths):
        windows = scores.view(len(lengths), -1, *scores.shape[1:])
        for window, length in zip(windows, lengths, strict=True):
            window[..., length:] = PADDING_SCORE
    return scores


def _weigh_by_exp(
    query: Tensor, key: Tensor, value: Tensor, lengths: Sequence[int] = ()
) -> Tensor | None:
    """Attend in bf16 with sums that are divided by after the product with the values.

    The largest score is not subtracted first: exponentials of bf16 reach as far as those of fp32,
    and a sum that leaves the safe range is noticed. The fused softmax of bf16 takes about twice
    as long.

    RETURNS (Tensor | None): None where the range does not suffice, or in other types.
    Shape: (n, length, head_width) three times -> (n, length, head_width).
    """
    if query.dtype != torch.bfloat16:
        return None
    weights = _score(query, key, lengths).exp_()
    sums = weights.sum(-1, keepdim=True)
    low, high = sums.aminmax()
    if not SUM_LIMITS[0] < float(low) <= float(high) < SUM_LIMITS[1]:
        return None
    return torch.bmm(weights, value).div_(sums)
