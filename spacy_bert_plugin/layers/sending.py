"""Integers from the host to the encoder's device: one copy for all of a batch."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def send(*arrays: npt.NDArray[Any], device: torch.device) -> list[Tensor]:
    """Move arrays to a device without waiting for what it is doing.

    On CUDA they travel in one buffer of pinned memory: a copy from other memory would make the
    host wait until the device is idle.

    arrays: int64, or float32.
        Shape: (n,) each
    RETURNS (list[Tensor]): The same, on the device.
    """
    if device.type != "cuda":
        return [torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays]
    rows = [
        array.view(np.int32).astype(np.int64) if array.dtype == np.float32 else array
        for array in arrays
    ]
    flat = torch.from_numpy(np.concatenate(rows)).pin_memory().to(device, non_blocking=True)
    parts = torch.split(flat, [len(row) for row in rows])
    return [
        part.to(torch.int32).view(torch.float32) if array.dtype == np.float32 else part
        for part, array in zip(parts, arrays, strict=True)
    ]
