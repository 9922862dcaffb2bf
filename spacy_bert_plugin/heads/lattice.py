"""How likely a set of tags is: what a head is trained by.

Paper: Lafferty et al., Conditional Random Fields, https://repository.upenn.edu/cis_papers/159/
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..pieces import IntArray
from .chain import RULED_OUT, Transitions, check_scores, walk
from .steps import check_lengths

LARGEST = 1e6


def log_partition(
    emissions: Tensor,
    lengths: Sequence[int] | IntArray,
    transitions: Transitions | None = None,
    *,
    allowed: Tensor | None = None,
) -> Tensor:
    """Sum the weights of all legal tag sequences; gradients flow to emissions and transitions.

    emissions: Score of each tag of each token.
    lengths: Number of tokens of each sequence.
    transitions: Learned scores of neighbouring tags.
    allowed: Which tags a token may have. Where that leaves no legal sequence, the result is -inf.
    Shape: emissions and allowed (n_tokens, n_tags) -> (n_sequences,), fp32 (or fp64 for fp64).
    Raises: SettingError if shapes or lengths do not fit.
    """
    check_scores(emissions, transitions=transitions, allowed=allowed)
    counts = check_lengths(lengths, n_tokens=len(emissions))
    scores = rule_out(to_float(emissions), allowed)
    return _open_end(walk(scores, counts, transitions).total)


def sequence_log_probs(
    emissions: Tensor,
    lengths: Sequence[int] | IntArray,
    transitions: Transitions | None = None,
    *,
    allowed: Tensor,
) -> Tensor:
    """Log probability that the tags of each sequence are among those allowed.

    It is the log likelihood of a conditional random field; one walk does both of its sums.

    Arguments, Shape and Raises as in `log_partition`.
    """
    check_scores(emissions, transitions=transitions, allowed=allowed)
    counts = check_lengths(lengths, n_tokens=len(emissions))
    # The size of the scores falls out of the difference; taken away before, it costs no digits.
    scores = to_float(emissions).log_softmax(1)
    both = torch.cat([rule_out(scores, allowed), scores])
    within, free = walk(both, np.tile(counts, 2), transitions).total.chunk(2)
    return _open_end(within) - free


def to_float(emissions: Tensor) -> Tensor:
    """Return scores as fp32; fp64 stays."""
    return emissions if emissions.dtype == torch.float64 else emissions.float()


def to_finite(emissions: Tensor) -> Tensor:
    """Return scores as finite numbers: NaN is 0, and none is beyond a million."""
    if emissions.device.type == "cpu" and emissions.numel():
        least, largest = torch.aminmax(emissions)  # NaN if any is; cheaper than two copies
        if least >= -LARGEST and largest <= LARGEST:
            return to_float(emissions)
    return to_float(emissions).nan_to_num(0.0, LARGEST, -LARGEST).clamp(-LARGEST, LARGEST)


def rule_out(emissions: Tensor, allowed: Tensor | None) -> Tensor:
    """Give tags that are not allowed a score that no other can make good for."""
    return emissions if allowed is None else emissions.masked_fill(~allowed, RULED_OUT)


def _open_end(total: Tensor) -> Tensor:
    return total.masked_fill(total < RULED_OUT / 2, -torch.inf)
