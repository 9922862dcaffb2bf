"""Cut words in two, and corpora in two."""

import random
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from .record import Record


def split_words_at(
    words: Sequence[str], spaces: Sequence[bool], cuts: Sequence[int]
) -> tuple[list[str], list[bool]]:
    """Cut words at character positions.

    words (Sequence[str]), spaces (Sequence[bool]): Words, and whether a space follows each.
    cuts (Sequence[int]): Positions in the text that they spell, sorted.
    RETURNS (tuple): More words, and whether a space follows each. They spell the same text.
    """
    new_words: list[str] = []
    new_spaces: list[bool] = []
    start = 0
    for word, has_space in zip(words, spaces, strict=True):
        end = start + len(word)
        inner = cuts[bisect_left(cuts, start + 1) : bisect_left(cuts, end)]
        edges = [start, *inner, end]
        pieces = [word[a - start : b - start] for a, b in pairwise(edges)]
        new_words.extend(pieces)
        new_spaces.extend([False] * len(inner) + [has_space])
        start = end + has_space
    return new_words, new_spaces


def split_records(
    records: Sequence[Record], *, share: float, seed: int
) -> tuple[list[Record], list[Record]]:
    """Set part of the records aside for development.

    Equal texts stay on one side, and every label that is set aside also stays, so nothing is
    scored that was never learned.

    records (Sequence[Record]): All records.
    share (float): The part to set aside, 0 to 1. It can come out smaller where labels are rare.
    seed (int): Of the shuffle; the same seed gives the same parts.
    RETURNS (tuple): What stays, and what was set aside, both in their old order.
    """
    groups: dict[str, list[int]] = {}
    for i, record in enumerate(records):
        groups.setdefault(record.text, []).append(i)
    order = list(groups)
    random.Random(seed).shuffle(order)
    n_wanted = round(share * len(records))
    seen: set[str] = set()
    aside: set[int] = set()
    for text in order:
        members = groups[text]
        labels = {label for i in members for label in _find_labels(records[i])}
        if labels <= seen and len(aside) + len(members) <= n_wanted:
            aside.update(members)
        else:
            seen |= labels
    rest = [record for i, record in enumerate(records) if i not in aside]
    return rest, [records[i] for i in sorted(aside)]


def _find_labels(record: Record) -> set[str]:
    spans = {f"span:{span.label}" for span in record.spans or ()}
    return spans | {f"text:{label}" for label in record.positive}
