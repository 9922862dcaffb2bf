"""Long sequences cut where nothing is lost, so that the number of steps is bounded.

tokens   O O B L O O O O O U O O O ...      longest = 10
                     ^ the last token that is surely O: cut after it
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..errors import Errors, SettingError
from ..pieces import FloatArray, IntArray
from .chain import check_scores
from .lattice import to_finite
from .steps import check_lengths

SURE = 0.99
BLOCK_ROWS = 16_384


def split_long(
    emissions: Tensor,
    lengths: Sequence[int] | IntArray,
    *,
    longest: int = 128,
    outside_bias: float = 0.0,
) -> IntArray:
    """Cut long sequences, each time after the token near the limit that is most certain to be O.

    No entity reaches over a cut, so this is for prediction, not for training.

    emissions: Score of each tag of each token.
    lengths: Number of tokens of each sequence.
    longest: Largest number of tokens of a sequence.
    outside_bias: What is added to the score of O.
    RETURNS: Lengths of the parts, in order; their sum is that of the lengths.
    Shape: emissions (n_tokens, n_tags), lengths (n_sequences,) -> (n_parts,), int64.
    Raises: SettingError if longest is below 1, or shapes or lengths do not fit.
    """
    check_scores(emissions)
    if longest < 1:
        raise SettingError(Errors.SB355.format(name="longest", expected="at least 1", got=longest))
    counts = check_lengths(lengths, n_tokens=len(emissions))
    if counts.max(initial=0) <= longest:
        return counts
    with torch.no_grad():
        # In blocks: a long text has as many scores as fit into memory a few times only.
        blocks = torch.split(emissions, BLOCK_ROWS)
        shares = [_measure_outside(block, outside_bias) for block in blocks]
        outside = torch.cat(shares).cpu().numpy()
    parts: list[int] = []
    start = 0
    for count in counts.tolist():
        parts += _split_one(outside[start : start + count], longest)
        start += count
    return np.array(parts, dtype=np.int64)


def _measure_outside(emissions: Tensor, bias: float) -> Tensor:
    """Probability of O at each token. Shape: (n_tokens, n_tags) -> (n_tokens,), float32"""
    scores = shift_outside(to_finite(emissions), bias)
    return scores.softmax(1)[:, 0].float()


def shift_outside(scores: Tensor, bias: float) -> Tensor:
    """Add a number to the score of O. Shape: (n_tokens, n_tags) -> (n_tokens, n_tags)"""
    if not bias:
        return scores
    offset = scores.new_zeros(scores.shape[1])
    offset[0] = bias
    return scores + offset


def _split_one(outside: FloatArray, longest: int) -> list[int]:
    """Return the lengths of the parts of one sequence."""
    parts: list[int] = []
    start = 0
    while len(outside) - start > longest:
        # The first half of a part is no place to cut: parts would get too short.
        half = longest // 2
        window = np.minimum(outside[start + half : start + longest], SURE)
        # The last of the best.
        best = half + len(window) - 1 - int(window[::-1].argmax())
        parts.append(best + 1)
        start += best + 1
    return [*parts, len(outside) - start]
