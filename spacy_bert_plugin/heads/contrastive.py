"""Losses that let vectors of texts that belong together be similar, and those of others not.

A group is the texts of one Doc: first a text, then one that belongs to it, then, if there are any,
some that look as if they did and do not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import Errors, SettingError
from .embeddings import compare_all, compare_rows

DISTANCES = ("cosine", "euclidean")
# Of gold scores from 0 to 1: from here on texts belong together.
SAME_FROM = 0.5


@dataclass(frozen=True)
class TextGroups:
    """The texts of a batch of Docs.

    vectors: Of all texts, group after group.
        Shape: (n_texts, width)
    counts: Texts of each group, at least one.
    scores: How similar the first two texts of each group are; None where nobody says.
    texts: The texts themselves, which tell the same ones apart from others.
    """

    vectors: Tensor
    counts: Sequence[int]
    scores: Sequence[float | None]
    texts: Sequence[str]

    @property
    def begins(self) -> list[int]:
        """Number of the first text of each group."""
        begins, total = [], 0
        for count in self.counts:
            begins.append(total)
            total += count
        return begins


ContrastiveLoss = Callable[[TextGroups], Tensor]


def build_in_batch_negatives_v1(scale: float = 20.0, both_ways: bool = False) -> ContrastiveLoss:
    """Build a loss for texts that belong together, without gold scores.

    For each first text, the second one of its group is to be more similar than all other texts of
    the batch that are no first ones: so larger batches teach more. A text that is the same as the
    right one does not count against it. Groups with a gold score below 0.5 are left out.

    Paper: Henderson et al. (2017), https://arxiv.org/abs/1705.00652; as
    MultipleNegativesRankingLoss of sentence-transformers.

    scale (float): Factor on cosines before the softmax.
    both_ways (bool): Whether the first text is to be found by the second one as well.
    RETURNS (Callable[[TextGroups], Tensor]): The loss.
    RAISES (SettingError): A value cannot work.
    """
    _check("scale", scale, 0.0 < scale < math.inf, "above 0.0")
    return partial(_in_batch, scale=scale, both_ways=both_ways)


def build_cosine_loss_v1() -> ContrastiveLoss:
    """Build a loss for pairs with gold scores: the squared difference to the cosine.

    Groups without a score are left out. As CosineSimilarityLoss of Reimers and Gurevych (2019),
    https://aclanthology.org/D19-1410

    RETURNS (Callable[[TextGroups], Tensor]): The loss.
    """
    return _squared_cosine


def build_triplet_loss_v1(margin: float = 0.5, distance: str = "cosine") -> ContrastiveLoss:
    """Build a loss for groups of three texts: the third is to be further away than the second.

    Groups of two texts are left out; of more, every one from the third on counts. Paper: Schroff
    et al. (2015), https://arxiv.org/abs/1503.03832

    margin (float): By how much further, at least.
    distance (str): "cosine" (one minus the cosine) or "euclidean".
    RETURNS (Callable[[TextGroups], Tensor]): The loss.
    RAISES (SettingError): A value cannot work.
    """
    _check("margin", margin, 0.0 < margin < math.inf, "above 0.0")
    _check("distance", distance, distance in DISTANCES, " or ".join(DISTANCES))
    return partial(_triplet, margin=margin, distance=distance)


def _in_batch(groups: TextGroups, *, scale: float, both_ways: bool) -> Tensor:
    chosen = [
        (begin, count)
        for begin, count, score in zip(groups.begins, groups.counts, groups.scores, strict=True)
        if count > 1 and (score is None or score >= SAME_FROM)
    ]
    firsts = [begin for begin, _ in chosen]
    seconds = [begin + 1 for begin, _ in chosen]
    # What belongs to no group that is learned from may still be told from the right ones.
    every = [
        begin + k
        for begin, count in zip(groups.begins, groups.counts, strict=True)
        for k in range(1, count)
    ]
    others = sorted({*every} - {*seconds})
    if not chosen:
        return groups.vectors.sum() * 0.0
    loss = _rank(groups, firsts, [*seconds, *others], scale)
    return (loss + _rank(groups, seconds, firsts, scale)) / 2 if both_ways else loss


def _rank(groups: TextGroups, queries: list[int], candidates: list[int], scale: float) -> Tensor:
    """Cross entropy of choosing, for query number i, the candidate number i. Shape: ()"""
    scores = compare_all(groups.vectors[queries], groups.vectors[candidates]) * scale
    names = [groups.texts[number] for number in candidates]
    is_same = [
        [name == names[row] and column != row for column, name in enumerate(names)]
        for row in range(len(queries))
    ]
    mask = torch.tensor(is_same, device=scores.device)
    answers = torch.arange(len(queries), device=scores.device)
    return F.cross_entropy(scores.masked_fill(mask, -math.inf), answers)


def _squared_cosine(groups: TextGroups) -> Tensor:
    chosen = [
        (begin, score)
        for begin, count, score in zip(groups.begins, groups.counts, groups.scores, strict=True)
        if count > 1 and score is not None
    ]
    if not chosen:
        return groups.vectors.sum() * 0.0
    firsts = [begin for begin, _ in chosen]
    seconds = [begin + 1 for begin in firsts]
    found = compare_rows(groups.vectors[firsts], groups.vectors[seconds])
    return F.mse_loss(found, found.new_tensor([score for _, score in chosen]))


def _triplet(groups: TextGroups, *, margin: float, distance: str) -> Tensor:
    chosen = [
        (begin, begin + k)
        for begin, count in zip(groups.begins, groups.counts, strict=True)
        for k in range(2, count)
    ]
    if not chosen:
        return groups.vectors.sum() * 0.0
    firsts, thirds = zip(*chosen, strict=True)
    anchors = groups.vectors[list(firsts)]
    right = groups.vectors[[first + 1 for first in firsts]]
    wrong = groups.vectors[list(thirds)]
    if distance == "cosine":
        near, far = 1.0 - compare_rows(anchors, right), 1.0 - compare_rows(anchors, wrong)
    else:
        near, far = (anchors - right).norm(dim=1), (anchors - wrong).norm(dim=1)
    return F.relu(near - far + margin).mean()


def _check(name: str, value: object, is_good: bool, expected: str) -> None:
    if not is_good:
        raise SettingError(Errors.SB002.format(name=name, expected=expected, got=value))
