"""Losses of heads: cross entropy, softmax and sigmoid, that knows of missing annotation.

Papers: Szegedy et al. 2016, https://arxiv.org/abs/1512.00567 (label smoothing); Lin et al. 2017,
Focal Loss for Dense Object Detection, https://arxiv.org/abs/1708.02002.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

MISSING = -1


def cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    focal_gamma: float = 0.0,
) -> Tensor:
    """Compute the mean cross entropy of the rows whose class is known.

    The mean is over rows, not over weights: a batch of one row of a rare class counts for more,
    as the weights ask for.

    logits: Scores of each class.
    targets: Index of the right class; -1 where it is not known.
    class_weights: Factor on the loss of each class.
    label_smoothing: Share of the target that is spread over all classes.
    focal_gamma: Rows count (1 - p)^gamma times, p the probability of the right class.
    RETURNS: A scalar in fp32, at least; 0.0, still with a graph, where no class is known.
    Shape: logits (n, n_classes), targets (n,), class_weights (n_classes,) -> ().
    """
    is_known = targets != MISSING
    gold = targets[is_known]
    if not len(gold):
        return _zero(logits)
    log_probs = _to_fp32(logits[is_known]).log_softmax(1)
    costs = -log_probs if class_weights is None else -log_probs * class_weights
    losses = (1.0 - label_smoothing) * costs.gather(1, gold[:, None])[:, 0]
    if label_smoothing:
        losses = losses + label_smoothing * costs.mean(1)
    if focal_gamma:
        losses = losses * _focus(log_probs.gather(1, gold[:, None])[:, 0], focal_gamma)
    return losses.mean()


def binary_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    mask: Tensor | None = None,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    focal_gamma: float = 0.0,
) -> Tensor:
    """Compute the mean cross entropy of yes-or-no answers over those that are known.

    logits: Score of each answer.
    targets: 0 or 1, or between.
    mask: True where the answer is known; all of them unless given.
    class_weights: Factor on the loss of each class where it holds (a "positive weight").
    label_smoothing: Share of the target that is moved to one half.
    focal_gamma: Answers count (1 - p)^gamma times, p the probability of the right one.
    RETURNS: A scalar in fp32, at least; 0.0, still with a graph, where nothing is known.
    Shape: logits, targets and mask (..., n_classes), class_weights (n_classes,) -> ().
    """
    known = torch.ones_like(targets, dtype=torch.bool) if mask is None else mask.expand_as(targets)
    if not bool(known.any()):
        return _zero(logits)
    scores = _to_fp32(logits)
    gold = targets.to(scores.dtype)
    if label_smoothing:
        gold = gold * (1.0 - label_smoothing) + 0.5 * label_smoothing
    yes, no = F.logsigmoid(scores), F.logsigmoid(-scores)
    holds = gold if class_weights is None else gold * class_weights
    losses = -(holds * yes + (1.0 - gold) * no)
    if focal_gamma:
        losses = losses * _focus(torch.where(targets > 0.5, yes, no), focal_gamma)
    return losses[known].mean()


def _focus(log_probs: Tensor, gamma: float) -> Tensor:
    """(1 - p)^gamma, with a gradient that stays finite at p = 1."""
    rest = -torch.expm1(log_probs)
    return rest.clamp(min=torch.finfo(rest.dtype).tiny) ** gamma


def _to_fp32(logits: Tensor) -> Tensor:
    """Sums of exponentials want more digits than bf16 has."""
    return logits if logits.dtype == torch.float64 else logits.float()


def _zero(logits: Tensor) -> Tensor:
    """A loss of nothing, through which gradients (zeros) still flow; whatever the logits are."""
    return _to_fp32(logits.reshape(-1)[:0]).sum()
