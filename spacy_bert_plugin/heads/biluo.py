"""Entities as one tag a token, and back.

            John  Smith  lives  in  New  York  City  .
    tags    B-PER L-PER  O      O   B-GPE I-GPE L-GPE O
    one token alone would be U: begin, inside, last, unit, outside

Paper: Ratinov and Roth, Design Challenges and Misconceptions in Named Entity Recognition,
https://aclanthology.org/W09-1119
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..errors import DataError, Errors, SettingError
from ..pieces import IntArray, expand_runs
from .steps import check_lengths

KINDS = ("B", "I", "L", "U")
BEGIN, INSIDE, LAST, UNIT = range(4)


class BiluoScheme:
    """The tags of a list of labels.

    Tag 0 is O; label i has the tags 1 + 4i (B), 2 + 4i (I), 3 + 4i (L) and 4 + 4i (U), so a label
    that is appended appends tags and moves none.

    labels: Labels in the order in which their scores lie.
    Raises: SettingError if a label is not a string or comes twice.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        is_text = not isinstance(labels, str) and all(isinstance(label, str) for label in labels)
        if not is_text or len(set(labels)) < len(labels):
            raise SettingError(Errors.SB358.format(got=labels))
        self.labels = tuple(labels)

    @property
    def n_tags(self) -> int:
        """Number of tags, O included."""
        return 1 + len(KINDS) * len(self.labels)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all tags by id, such as "B-PER"."""
        return ("O", *(f"{kind}-{label}" for label in self.labels for kind in KINDS))

    def encode(self, spans: IntArray, *, n_tokens: int) -> IntArray:
        """Write entities as tags.

        spans: Rows [start, end, label index], in any order; end is exclusive.
        n_tokens: Number of tokens of all sequences.
        Shape: spans (n_spans, 3) -> (n_tokens,), int64.
        Raises: DataError if a row is out of range or two entities overlap.
        """
        spans = self._check_spans(spans, n_tokens=n_tokens)
        start, end, label = spans[np.argsort(spans[:, 0], kind="stable")].T
        overlaps = np.flatnonzero(start[1:] < end[:-1])
        if len(overlaps):
            at = int(overlaps[0])
            first, second = [(int(start[i]), int(end[i])) for i in (at, at + 1)]
            raise DataError(Errors.SB357.format(first=first, second=second))
        tags = np.zeros(n_tokens, dtype=np.int64)
        base = 1 + len(KINDS) * label
        tags[expand_runs(start, end - start)] = np.repeat(base + INSIDE, end - start)
        tags[start] = base + BEGIN
        tags[end - 1] = base + LAST
        is_unit = end - start == 1
        tags[start[is_unit]] = base[is_unit] + UNIT
        return tags

    def decode(self, tags: IntArray, lengths: Sequence[int] | IntArray) -> IntArray:
        """Read the entities off tags; whatever is not a whole entity is dropped.

        tags: Tags of all sequences, end to end; legal or not.
        lengths: Number of tokens of each sequence. No entity goes on from one to the next.
        Shape: tags (n_tokens,) -> (n_spans, 3), int64: [start, end, label index], sorted.
        Raises: SettingError if the lengths do not add up to the tags.
        """
        tags = np.asarray(tags, dtype=np.int64)
        counts = check_lengths(lengths, n_tokens=len(tags))
        if not len(tags):
            return np.zeros((0, 3), dtype=np.int64)
        label, kind = np.divmod(tags - 1, len(KINDS))
        kind[tags <= 0] = -1
        # A token goes on with an entity if it is I or L after B or I of the same label. Between
        # two tokens that do not lies one group, and it is an entity if its borders say so.
        goes_on = np.zeros(len(tags), dtype=bool)
        goes_on[1:] = (label[1:] == label[:-1]) & np.isin(kind[1:], (INSIDE, LAST))
        goes_on[1:] &= np.isin(kind[:-1], (BEGIN, INSIDE))
        goes_on[(np.cumsum(counts) - counts)[counts > 0]] = False
        start = np.flatnonzero(~goes_on)
        end = np.append(start[1:], len(tags))
        is_whole = (kind[start] == BEGIN) & (kind[end - 1] == LAST)
        is_entity = is_whole | (kind[start] == UNIT)
        spans: IntArray = np.stack([start, end, label[start]], axis=1)[is_entity]
        return spans

    def _check_spans(self, spans: IntArray, *, n_tokens: int) -> IntArray:
        spans = np.asarray(spans)
        n_labels = len(self.labels)
        if not spans.size:
            return np.zeros((0, 3), dtype=np.int64)
        if spans.ndim != 2 or spans.shape[1] != 3 or spans.dtype.kind not in "iu":
            got = f"{spans.dtype} of shape {spans.shape}"
            raise DataError(Errors.SB356.format(n_tokens=n_tokens, n_labels=n_labels, got=got))
        spans = spans.astype(np.int64)
        start, end, label = spans.T
        is_good = (start >= 0) & (start < end) & (end <= n_tokens)
        is_good &= (label >= 0) & (label < n_labels)
        if not is_good.all():
            got = str(spans[~is_good][0].tolist())
            raise DataError(Errors.SB356.format(n_tokens=n_tokens, n_labels=n_labels, got=got))
        return spans


def find_legal(tags: IntArray, counts: IntArray) -> npt.NDArray[np.bool_]:
    """Tell which sequences consist of whole entities and O alone.

    tags: Tags of all sequences, end to end.
    counts: Number of tokens of each.
    Shape: tags (n_tokens,), counts (n_sequences,) -> (n_sequences,).
    """
    label, kind = np.divmod(tags - 1, len(KINDS))
    is_inside = tags > 0
    # What each token leaves open for the next one, and what it goes on with itself.
    left_open = np.where(is_inside & ((kind == BEGIN) | (kind == INSIDE)), label, -1)
    taken_up = np.where(is_inside & ((kind == INSIDE) | (kind == LAST)), label, -1)
    ends = np.cumsum(counts)
    is_first = np.zeros(len(tags) + 1, dtype=bool)
    is_first[ends - counts] = True
    is_last = np.append(is_first[1:-1], True)[: len(tags)]
    before = np.append(-1, left_open)[: len(tags)]
    before[is_first[:-1]] = -1
    is_wrong = (before != taken_up) | (is_last & (left_open >= 0))
    n_wrong = np.append(0, np.cumsum(is_wrong))
    legal: npt.NDArray[np.bool_] = n_wrong[ends] == n_wrong[ends - counts]
    return legal
