"""What a scoring of tags is worth, where some tokens may have no annotation."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from .chain import Transitions
from .lattice import sequence_log_probs
from .partial import MISSING, tags_allowed


def tag_loss(
    scores: Tensor,
    tags: Tensor,
    lengths: Sequence[int],
    *,
    transitions: Transitions | None = None,
    weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Mean loss of the annotated tokens, 0.0 (with its graph) where there are none.

    Without transitions it is the cross entropy of each token's tag; with them the negative log
    likelihood of whole sequences, in which tokens without annotation may have any tag.

    scores: Score of each tag.
    tags: Tag of each token, -1 where the annotation says nothing.
    lengths: Tokens of each sequence.
    transitions: Learned scores of neighbouring tags.
    weights: Weight of each tag in the cross entropy, at least 0.
    label_smoothing: Share of the target that is spread over all tags: Szegedy et al.,
        https://arxiv.org/abs/1512.00567
    Shape: scores (n_tokens, n_tags), tags (n_tokens,), weights (n_tags,) -> ().
    """
    is_annotated = tags != MISSING
    if weights is not None and transitions is None:
        is_annotated &= weights[tags] > 0.0  # a mean over weights of 0 alone would be no number
    n_annotated = int(is_annotated.sum())
    if not n_annotated:
        return scores.sum() * 0.0
    if transitions is None:
        return F.cross_entropy(
            scores.float(),
            tags,
            weight=weights,
            ignore_index=MISSING,
            label_smoothing=label_smoothing,
        )
    allowed = tags_allowed(tags, n_tags=scores.shape[1])
    log_probs = sequence_log_probs(scores, lengths, transitions, allowed=allowed)
    # An annotation that is no legal sequence (an entity cut by a missing tag) teaches nothing.
    is_legal = log_probs.isfinite()
    return -log_probs.where(is_legal, 0.0).sum() / n_annotated
