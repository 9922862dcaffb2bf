"""Which windows run together: pure integers, sorted by length, filled up to a budget."""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def plan_batches(lengths: IntArray, budget: int) -> list[IntArray]:
    """Group windows into batches of at most `budget` pieces.

    Sorting by length puts windows of equal length side by side, where attention needs no
    padding. A window longer than the budget is a batch of its own.

    lengths (IntArray): Pieces of each window, special pieces included.
        Shape: (n_windows,)
    budget (int): Most pieces of a batch.
    RETURNS (list[IntArray]): The windows of each batch. Every window is in exactly one.
    """
    order = np.argsort(-lengths, kind="stable").astype(np.int64)
    batches: list[IntArray] = []
    begin = total = 0
    for place, length in enumerate(lengths[order].tolist()):
        if total and total + length > budget:
            batches.append(order[begin:place])
            begin, total = place, 0
        total += length
    if begin < len(order):
        batches.append(order[begin:])
    return batches
