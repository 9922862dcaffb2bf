"""Runs planned batches one after the other, in smaller ones where memory does not suffice."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch

IntArray = npt.NDArray[np.int64]
# Prepares batches (given the windows of each) and returns what runs the n-th of them.
PrepareT = Callable[[Sequence[IntArray]], Callable[[int], None]]


def run_batches(batches: Sequence[IntArray], prepare: PrepareT) -> None:
    """Run every batch; halve the ones that do not fit the device's memory.

    A batch that ran is not run again. Only when a single window does not fit is the error of
    the device passed on.

    batches (Sequence[IntArray]): The windows of each batch.
    prepare (PrepareT): Called once, and once more after each batch that had to be halved.
    RAISES (torch.OutOfMemoryError): One window alone is too much.
    """
    todo = list(batches)
    run = prepare(todo)
    number = 0
    while number < len(todo):
        try:
            run(number)
        except torch.OutOfMemoryError:
            chosen = todo[number]
            if len(chosen) < 2:
                raise
            middle = len(chosen) // 2
            todo = [chosen[:middle], chosen[middle:], *todo[number + 1 :]]
            run, number = prepare(todo), 0
        else:
            number += 1
