"""Weights in half the space, where that loses no more than the format itself does."""

import torch
from torch import Tensor


def shrink_tensor(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Convert a matrix to a shorter type if every value of it survives.

    A value survives if it moves by at most the rounding error of the type, measured at the
    largest value of its row: bfloat16 always does, float16 where nothing is beyond its range or so
    small that it would vanish beside its neighbours. Vectors (biases and norms) stay as they
    are: together they are a hundredth of an encoder, and they are computed with in fp32.

    tensor (Tensor): float32. Shape: any
    dtype (torch.dtype): torch.float16, torch.bfloat16, or torch.float32 for no change.
    RETURNS (Tensor): In the shorter type, or the same tensor. Shape: that of `tensor`
    """
    if dtype == tensor.dtype or tensor.dim() < 2 or not tensor.is_floating_point():
        return tensor
    shrunk = tensor.to(dtype)
    if not tensor.numel():
        return shrunk
    losses = (shrunk.to(tensor.dtype) - tensor).abs().amax(dim=-1)
    allowed = tensor.abs().amax(dim=-1) * (torch.finfo(dtype).eps / 2)
    # An infinite loss is not allowed either, and neither is the NaN of a value that was infinite.
    return shrunk if bool((losses <= allowed).all()) else tensor
