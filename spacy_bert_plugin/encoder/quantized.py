"""Linear maps in int8: weights quantised once, inputs at every call.

    w[n, k] ~ weight[n, k] * weight_scales[n]      one scale for each output
    x[m, k] ~ (q[m, k] - 128) * scales[m]          one scale for each row, found when it comes

A scale for each row costs two passes over the output and gives several times the precision of one
for all of them; and the vectors of a text do not depend on the texts beside it in a batch. Both
sides are symmetric around 0 (the kernel wants inputs without a sign, so 128 stands for 0). Sums are
exact (int32): what is lost is the rounding to 8 bits.

Papers: Jacob et al. (2018), https://arxiv.org/abs/1712.05877; Yao et al. (2022), ZeroQuant,
section 4.1, https://arxiv.org/abs/2206.01861. Kernels: oneDNN, through torch.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

# The maps of a layer that can be quantised, by the names that a config uses.
MAPS = ("qkv", "output", "up", "down")
LEVELS = 127
ZERO = 128
# A row of zeros has no scale of its own.
SMALLEST = 1e-12


@dataclass(frozen=True)
class Quantization:
    """What a prediction computes in int8: the linear maps of all layers, but for some.

    dtype: Type of attention, and of the linear maps that are not quantised.
    skip: Which are not, by names of `MAPS`: alone for those of every layer, or with a dot and the
        number of a layer.
    """

    dtype: torch.dtype = torch.float32
    skip: Collection[str] = ()

    def of_layer(self, number: int) -> Quantization:
        """What of it concerns one layer, by the names of the maps alone."""
        skip = [name for name in MAPS if {name, f"{name}.{number}"} & {*self.skip}]
        return Quantization(self.dtype, frozenset(skip))

    def covers(self, name: str) -> bool:
        """Whether a map of this layer is quantised."""
        return name not in self.skip


@dataclass(frozen=True)
class Int8Weights:
    """Quantised weights as the kernel wants them.

    weight: Reordered for the kernel, opaque.
    scales: Shape: (out,), float32
    zero_points: Zeros. Shape: (out,), int64
    bias: Shape: (out,), float32
    """

    weight: Tensor
    scales: Tensor
    zero_points: Tensor
    bias: Tensor


def quantize_weights(weight: Tensor, bias: Tensor | None) -> Int8Weights:
    """Round weights to 8 bits, each output by a scale of its own.

    Shape: weight (out, in), bias (out,).
    """
    weight = weight.detach().float()
    scales = weight.abs().amax(dim=1).clamp(min=SMALLEST) / LEVELS
    rounded = (weight / scales[:, None]).round().to(torch.int8).contiguous()
    return Int8Weights(
        torch.ops.onednn.qlinear_prepack(rounded, None),
        scales,
        torch.zeros(len(scales), dtype=torch.int64),
        torch.zeros_like(scales) if bias is None else bias.detach().float(),
    )


def quantize_rows(x: Tensor, *, is_spent: bool = False) -> tuple[Tensor, Tensor]:
    """Round values to 8 bits, each row by a scale of its own.

    is_spent: Whether `x` may be written over.
    RETURNS: The rounded values, and what one step of each row stands for.
    Shape: x (n, width) -> (n, width), uint8; (n, 1), float32
    """
    x = x.float()
    scales = torch.maximum(x.amax(1, keepdim=True), -x.amin(1, keepdim=True))
    scales.clamp_(min=SMALLEST).div_(LEVELS)
    factors = scales.reciprocal()
    # Where it can be done in place: fresh memory costs more than the arithmetic.
    steps = x.mul_(factors) if is_spent else x * factors
    signed = steps.round_().to(torch.int8)
    # Flipping the highest bit adds 128; casting to uint8 would take three times as long.
    return signed.view(torch.uint8).bitwise_xor_(ZERO), scales


def apply_int8(x: Tensor, weights: Int8Weights, *, is_spent: bool = False) -> Tensor:
    """Quantise an input and apply a linear map to it.

    x: Input, finite.
    is_spent: Whether `x` may be written over.
    Shape: x (n, in) -> (n, out), float32.
    """
    rounded, scales = quantize_rows(x, is_spent=is_spent)
    y: Tensor = torch.ops.onednn.qlinear_pointwise(
        rounded,
        1.0,  # the scales of the rows come after
        ZERO,
        weights.weight,
        weights.scales,
        weights.zero_points,
        None,
        1.0,
        0,
        torch.float32,
        "none",
        [],
        "",
    )
    return y.mul_(scales).add_(weights.bias)


@cache
def has_int8() -> bool:
    """Tell whether this torch has the kernels and gets a small product right with them.

    Older releases take other types or arguments.
    """
    ops = torch.ops.onednn
    if not (hasattr(ops, "qlinear_prepack") and hasattr(ops, "qlinear_pointwise")):
        return False
    weight = torch.linspace(-1.0, 1.0, 32 * 16).view(16, 32)
    x = torch.linspace(-2.0, 1.0, 4 * 32).view(4, 32)
    try:
        y = apply_int8(x, quantize_weights(weight, None))
    except (RuntimeError, TypeError, NotImplementedError):
        return False
    expected = x @ weight.t()
    return bool((y - expected).abs().max() <= 0.05 * expected.abs().max())
