"""Which windows run together: pure integers, sorted by length, filled up to a budget."""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


# Batches at the end of a plan for several lanes are not made smaller than this.
LEAST_PIECES = 256


def plan_batches(lengths: IntArray, budget: int, *, n_lanes: int = 1) -> list[IntArray]:
    """Group windows into batches of at most `budget` pieces.

    Sorting by length puts windows of equal length side by side, where attention needs no
    padding. A window longer than the budget is a batch of its own.

    Where batches run side by side, the last ones are smaller, so that no lane waits long for
    another: a batch takes at most its share of half of what is left (guided self-scheduling,
    Polychronopoulos and Kuck (1987), https://doi.org/10.1109/TC.1987.5009495).

    lengths (IntArray): Pieces of each window, special pieces included.
        Shape: (n_windows,)
    budget (int): Most pieces of a batch.
    n_lanes (int): How many batches run at the same time.
    RETURNS (list[IntArray]): The windows of each batch. Every window is in exactly one.
    """
    order = np.argsort(-lengths, kind="stable").astype(np.int64)
    batches: list[IntArray] = []
    begin = total = 0
    left = int(lengths.sum())
    limit = _limit(left, budget, n_lanes)
    for place, length in enumerate(lengths[order].tolist()):
        if total and total + length > limit:
            batches.append(order[begin:place])
            left -= total
            begin, total, limit = place, 0, _limit(left, budget, n_lanes)
        total += length
    if begin < len(order):
        batches.append(order[begin:])
    return batches


def _limit(left: int, budget: int, n_lanes: int) -> int:
    """Most pieces of the next batch, with so many left."""
    return budget if n_lanes < 2 else min(budget, max(left // (2 * n_lanes), LEAST_PIECES))
