"""Numbers for texts: scores in units of the training data, and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

Floats = npt.NDArray[np.float64]
# Targets that hardly vary would be blown up otherwise.
LEAST_SCALE = 1e-6


def squared_error(found: Tensor, gold: Tensor) -> Tensor:
    """Squared difference of each. Shape: (n,), (n,) -> (n,)"""
    return (found - gold).square()


def huber_error(found: Tensor, gold: Tensor) -> Tensor:
    """Huber (1964): squared up to a difference of one standard deviation, straight from there on.

    https://doi.org/10.1214/aoms/1177703732. Shape: (n,), (n,) -> (n,)
    """
    return 2.0 * F.huber_loss(found, gold, reduction="none", delta=1.0)


# By name, as in the setting `loss`.
LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": squared_error,
    "huber": huber_error,
}


def regression_loss(found: Tensor, gold: Tensor, *, loss: str = "mse") -> Tensor:
    """Compute the mean loss of the numbers that are known.

    found, gold: In standard deviations from the mean; gold is NaN where it is not known.
    loss: One of `LOSSES`.
    RETURNS: A scalar in fp32, at least; 0.0, still with a graph, where nothing is known.
    Shape: (n_texts, n_targets) each -> ().
    """
    is_known = ~gold.isnan()
    if not bool(is_known.any()):
        return found.float().sum() * 0.0
    return LOSSES[loss](found[is_known].float(), gold[is_known].float()).mean()


def standardize(values: Any, means: Any, scales: Any) -> Floats:
    """Count numbers in standard deviations from their mean.

    Shape: values (n_texts, n_targets), means and scales (n_targets,).
    """
    scaled: Floats = (np.asarray(values, dtype=np.float64) - means) / scales
    return scaled


def restore(values: Any, means: Any, scales: Any) -> Floats:
    """The inverse of `standardize`. Shape: as there."""
    restored: Floats = np.asarray(values, dtype=np.float64) * scales + means
    return restored


def measure_targets(values: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Measure each target over texts of which some are not known.

    values: NaN where a number is not known.
    RETURNS: Mean, standard deviation (1.0 where all are the same), least and largest number.
    Shape: (n_texts, n_targets) -> (n_targets,) each.
    """
    means, stds = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    scales = np.where(stds < LEAST_SCALE, 1.0, stds)
    return means, scales, np.nanmin(values, axis=0), np.nanmax(values, axis=0)


def to_host(scores: Tensor) -> npt.NDArray[np.float32]:
    """Take scores off their device and their graph. Shape: as given"""
    array: npt.NDArray[np.float32] = scores.detach().float().cpu().numpy()
    return array


def to_gold(values: Floats, like: Tensor) -> Tensor:
    """Put gold where the scores are. Shape: as given"""
    return torch.from_numpy(values).to(device=like.device, dtype=torch.float32)
