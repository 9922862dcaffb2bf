"""What confidences promise beside what came true, bin by bin.

Paper: Guo et al. 2017, On Calibration of Modern Neural Networks, https://arxiv.org/abs/1706.04599
(reliability diagrams).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .calibration import sum_bins

N_BINS = 15


@dataclass(frozen=True)
class ConfidenceBin:
    """Answers of about the same confidence.

    low, high: Confidences from above `low` up to `high`; 0.0 itself is in the first bin.
    n: Answers in the bin; the other numbers are 0.0 where there are none.
    confidence: Mean confidence.
    share: Share of right answers.
    """

    low: float
    high: float
    n: int
    confidence: float
    share: float


def bin_confidences(
    confidences: npt.NDArray[np.floating[Any]] | Sequence[float],
    is_correct: npt.NDArray[Any] | Sequence[bool],
    *,
    n_bins: int = N_BINS,
) -> tuple[float, tuple[ConfidenceBin, ...]]:
    """Sort answers into bins of equal width by their confidence.

    RETURNS: The expected calibration error, which is the mean of |confidence - share| over the
        bins, weighted by `n`; and the bins, the least confident first.
    Shape: both (n,).
    Raises: SettingError if the shapes differ or `n_bins` is below 1.
    """
    counts, promised, kept = sum_bins(confidences, is_correct, n_bins=n_bins)
    means, shares = (total / np.maximum(counts, 1) for total in (promised, kept))
    error = float((np.abs(means - shares) * counts).sum() / max(counts.sum(), 1))
    rows = zip(counts.tolist(), means.tolist(), shares.tolist(), strict=True)
    return error, tuple(
        ConfidenceBin(i / n_bins, (i + 1) / n_bins, *row) for i, row in enumerate(rows)
    )
