"""How well numbers go with gold ones: Pearson's and Spearman's correlation."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Numbers = Sequence[float] | npt.NDArray[np.float64]


def pearson(found: Numbers, gold: Numbers) -> float:
    """Correlation of numbers, from -1 to 1; NaN where either side does not vary.

    Shape: found, gold (n,).
    """
    pairs = np.array([found, gold], dtype=np.float64)
    if pairs.shape[1] < 2:
        return float("nan")
    pairs = pairs - pairs.mean(axis=1, keepdims=True)
    norms = float(np.sqrt((pairs**2).sum(axis=1)).prod())
    return float(pairs[0] @ pairs[1]) / norms if norms else float("nan")


def spearman(found: Numbers, gold: Numbers) -> float:
    """Correlation of ranks; equal numbers share the mean of theirs. Shape: found, gold (n,)."""
    return pearson(rank(found), rank(gold))


def rank(numbers: Numbers) -> npt.NDArray[np.float64]:
    """Rank numbers from 1, the mean rank for equal ones. Shape: (n,) -> (n,)"""
    _, places, counts = np.unique(np.asarray(numbers), return_inverse=True, return_counts=True)
    lasts = np.cumsum(counts)
    means: npt.NDArray[np.float64] = (lasts - (counts - 1) / 2.0)[places]
    return means
