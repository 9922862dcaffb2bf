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


def split_long(
    emissions: Tensor, lengths: Sequence[int] | IntArray, *, longest: int = 128
) -> IntArray:
    """Cut long sequences, each time after the token near the limit that is most certain to be O.

    No entity reaches over a cut, so this is for prediction, not for training.

    emissions: Score of each tag of each token.
    lengths: Number of tokens of each sequence.
    longest: Largest number of tokens of a sequence.
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
        outside = to_finite(emissions).softmax(1)[:, 0].float().cpu().numpy()
    parts: list[int] = []
    start = 0
    for count in counts.tolist():
        parts += _split_one(outside[start : start + count], longest)
        start += count
    return np.array(parts, dtype=np.int64)


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
