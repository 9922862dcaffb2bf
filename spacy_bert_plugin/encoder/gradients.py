"""Operations of training with forward and backward passes written by hand.

On a processor a training step is made of thousands of small operations. What is written here does
the same arithmetic in fewer of them: weights are cast once a step and not at every use, attention
runs over a few buckets of padded windows, and dropout draws bytes instead of floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .plan import AttentionPlan, Bucket

# Dropout compares bytes with a limit, so rates are multiples of 1 / 256.
N_LEVELS = 256


def apply_half_linear(
    x: Tensor, weight: Tensor, bias: Tensor | None, sources: Sequence[Tensor]
) -> Tensor:
    """Apply linear maps in half precision whose weights are kept, and stepped, in fp32.

    Micikevicius et al. (2018), section 3.1, https://arxiv.org/abs/1710.03740

    x: Input, in half precision.
    weight, bias: Those of all maps side by side, in half precision.
    sources: Weight and bias of each map in turn, in fp32: what gets the gradients.
    Shape: x (n, in), weight (out, in) -> (n, out).
    """
    result: Tensor = _HalfLinear.apply(x, weight, bias, *sources)  # type: ignore[no-untyped-call]
    return result


class _HalfLinear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, *sources: Tensor
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.sizes = [source.shape[0] for source in sources[::2]]
        ctx.types = [source.dtype for source in sources]
        return F.linear(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        dx = dy @ weight if ctx.needs_input_grad[0] else None
        wanted = ctx.needs_input_grad[3:]
        grads: list[Tensor | None] = [None] * len(wanted)
        if any(wanted):
            d_weights = torch.split(dy.t() @ x, ctx.sizes)
            d_biases = torch.split(dy.sum(0, dtype=torch.float32), ctx.sizes)
            both = [grad for pair in zip(d_weights, d_biases, strict=True) for grad in pair]
            grads = [
                grad.to(kind) if is_wanted else None
                for grad, kind, is_wanted in zip(both, ctx.types, wanted, strict=True)
            ]
        return dx, None, None, *grads


def drop(x: Tensor, rate: float) -> Tensor:
    """Dropout, as an argument and not a mode.

    Srivastava et al. (2014), https://jmlr.org/papers/v15/srivastava14a.html

    x: Any values.
    rate: Share of values that become 0; on a processor rounded to a multiple of 1 / 256.
    Shape: x (...) -> (...).
    """
    if rate <= 0.0:
        return x
    if x.device.type != "cpu" or rate >= 1.0:
        return F.dropout(x, rate)
    return x * draw_mask(x.shape, rate, dtype=x.dtype)


def draw_mask(shape: Sequence[int], rate: float, *, dtype: torch.dtype) -> Tensor:
    """Draw what dropout multiplies with: 0, or a little over 1 to make up for it.

    torch's generator gives the seed, so a run is repeated by `torch.manual_seed`; its stream of
    numbers, one at a time, would take longer than the linear maps.

    Shape: -> shape.
    """
    limit = min(max(round(rate * N_LEVELS), 1), N_LEVELS - 1)
    seed = int(torch.randint(2**62, ()))
    n_values = int(np.prod(shape, dtype=np.int64))
    stream = np.random.Generator(np.random.SFC64(seed))
    words = stream.integers(0, 2**64, size=-(-n_values // 8), dtype=np.uint64)
    levels = torch.from_numpy(words.view(np.uint8)[:n_values]).view(*shape)
    return (levels >= limit).to(dtype).mul_(N_LEVELS / (N_LEVELS - limit))


def attend_in_buckets(
    qkv: Tensor, plan: AttentionPlan, *, n_heads: int, dropout: float = 0.0
) -> Tensor:
    """Attend within windows that are padded to a few lengths.

    Arguments and Shape: as of `kernels.attend`.
    """
    buckets = plan.list_buckets(16 if qkv.dtype != torch.float32 else 8)
    masks: list[Tensor | None] = [None] * len(buckets)
    if dropout > 0.0:
        masks = [
            draw_mask((b.n_windows * n_heads, b.length, b.length), dropout, dtype=qkv.dtype)
            for b in buckets
        ]
    result: Tensor = _BucketAttention.apply(qkv, buckets, masks, n_heads)  # type: ignore[no-untyped-call]
    return result


class _BucketAttention(torch.autograd.Function):
    """softmax(q k' / sqrt(d)) v and its gradient, a bucket at a time."""

    @staticmethod
    def forward(
        ctx: Any,
        qkv: Tensor,
        buckets: list[Bucket],
        masks: list[Tensor | None],
        n_heads: int,
    ) -> Tensor:
        width = qkv.shape[1] // 3
        head_width = width // n_heads
        outputs, saved = [], []
        for bucket, part, mask in zip(buckets, _split(qkv, buckets), masks, strict=True):
            size = (bucket.n_windows, bucket.length, 3, n_heads, head_width)
            heads = bucket.pad(part).view(size).permute(2, 0, 3, 1, 4)
            query, key, value = heads.reshape(3, -1, bucket.length, head_width).unbind()
            scores = torch.bmm(query, key.transpose(1, 2)).mul_(head_width**-0.5)
            if bucket.bias is not None:
                shaped = scores.view(bucket.n_windows, n_heads, bucket.length, bucket.length)
                shaped += bucket.bias.to(scores.dtype)
            weights = scores.softmax(-1)
            dropped = weights if mask is None else weights * mask
            context = torch.bmm(dropped, value).view(
                bucket.n_windows, n_heads, bucket.length, head_width
            )
            outputs.append(bucket.unpad(context.transpose(1, 2).reshape(-1, width)))
            saved += [query, key, value, weights, dropped]
        ctx.save_for_backward(*saved, *(mask for mask in masks if mask is not None))
        ctx.buckets, ctx.n_heads, ctx.is_dropped = buckets, n_heads, masks[0] is not None
        return torch.cat(outputs) if len(outputs) > 1 else outputs[0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        grads = []
        saved, n_heads = ctx.saved_tensors, ctx.n_heads
        masks = saved[5 * len(ctx.buckets) :]
        for i, (bucket, part) in enumerate(zip(ctx.buckets, _split(dy, ctx.buckets), strict=True)):
            query, key, value, weights, dropped = saved[5 * i : 5 * i + 5]
            head_width = query.shape[2]
            size = (bucket.n_windows, bucket.length, n_heads, head_width)
            d_context = bucket.pad(part).view(size).transpose(1, 2)
            d_context = d_context.reshape(-1, bucket.length, head_width)
            d_dropped = torch.bmm(d_context, value.transpose(1, 2))
            if ctx.is_dropped:
                d_dropped *= masks[i]
            d_scores = torch.ops.aten._softmax_backward_data(
                d_dropped, weights, -1, weights.dtype
            ).mul_(head_width**-0.5)
            d_heads = dy.new_empty(bucket.n_windows, bucket.length, 3, n_heads, head_width)
            for place, grad in enumerate(
                (
                    torch.bmm(d_scores, key),
                    torch.bmm(d_scores.transpose(1, 2), query),
                    torch.bmm(dropped.transpose(1, 2), d_context),
                )
            ):
                shaped = grad.view(bucket.n_windows, n_heads, bucket.length, head_width)
                d_heads[:, :, place] = shaped.transpose(1, 2)
            grads.append(bucket.unpad(d_heads.view(-1, 3 * n_heads * head_width)))
        return torch.cat(grads) if len(grads) > 1 else grads[0], None, None, None


def _split(rows: Tensor, buckets: Sequence[Bucket]) -> Sequence[Tensor]:
    return torch.split(rows, [bucket.n_rows for bucket in buckets])
