"""Pieces to windows. Windows are counted in pieces, so nothing is ever cut off.

A Doc that fits is one window. A longer one is split at token borders, at sentence borders
where they are known, and neighbours overlap. Each piece is *kept* from one window only: the
border between two windows lies in the middle of their overlap, so that every token is read
from the window that gives it most context.

    pieces    0 ........................................................ n
    window 0  [=========================|-------]
    window 1                    [-------|==================|-------]
    window 2                                       [-------|============]
                                        ^ kept from 0 | kept from 1     (= kept, - context only)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import Errors, SettingError
from .align import Alignment
from .types import IntArray

OVERLAP = 64


@dataclass(frozen=True)
class Windows:
    """The windows of a batch of Docs, in the order of the text. Pieces are numbered through.

    starts, ends: First and last (exclusive) piece that the window shows to the encoder.
    keep_starts, keep_ends: The part of it whose vectors are used. These parts cover every
        piece exactly once.
    docs: Number of the Doc that the window belongs to.
        Shape: (n_windows,) each, int64
    """

    starts: IntArray
    ends: IntArray
    keep_starts: IntArray
    keep_ends: IntArray
    docs: IntArray

    @property
    def lengths(self) -> IntArray:
        """Pieces of each window, special pieces not included. Shape: (n_windows,)"""
        return self.ends - self.starts

    def __len__(self) -> int:
        return len(self.starts)


def choose_overlap(max_pieces: int, n_special: int) -> int:
    """Find how many pieces windows share where nobody says: a quarter of short ones."""
    return min(OVERLAP, max(max_pieces - n_special - 2, 0) // 4)


def check_windows(max_pieces: int, overlap: int, n_special: int) -> None:
    """Refuse sizes that leave no room for text.

    RAISES (SettingError): A window could not move forward.
    """
    least = n_special + 2 * max(overlap, 0) + 2
    if overlap < 0 or max_pieces < least:
        raise SettingError(
            Errors.SB104.format(least=least, n_special=n_special, overlap=overlap, got=max_pieces)
        )


def plan_windows(
    alignment: Alignment,
    *,
    capacity: int,
    overlap: int,
    sentence_starts: Sequence[IntArray | None] | None = None,
) -> Windows:
    """Split Docs into windows.

    alignment (Alignment): Which pieces make up which token.
    capacity (int): Most pieces of text that a window holds, special pieces not counted.
    overlap (int): Pieces that neighbouring windows share, roughly.
    sentence_starts (Sequence): For each Doc, the tokens that begin a sentence, or None.
    RETURNS (Windows): None for Docs without pieces.
    """
    piece_before = np.cumsum(alignment.doc_pieces) - alignment.doc_pieces
    if not (alignment.doc_pieces > capacity).any():  # the usual case, without a loop
        docs = np.flatnonzero(alignment.doc_pieces)
        starts = piece_before[docs]
        ends = starts + alignment.doc_pieces[docs]
        return Windows(starts, ends, starts, ends, docs)
    token_before = np.cumsum(alignment.doc_tokens) - alignment.doc_tokens
    rows: list[tuple[int, int, int, int, int]] = []
    for doc, n_pieces in enumerate(alignment.doc_pieces.tolist()):
        first = int(piece_before[doc])
        if 0 < n_pieces <= capacity:
            rows.append((first, first + n_pieces, first, first + n_pieces, doc))
        elif n_pieces:
            begin = int(token_before[doc])
            tokens = slice(begin, begin + int(alignment.doc_tokens[doc]))
            sents = sentence_starts[doc] if sentence_starts is not None else None
            borders, sents = find_borders(alignment, tokens, first, sents)
            rows += [
                (first + a, first + b, first + c, first + d, doc)
                for a, b, c, d in split_pieces(n_pieces, borders, sents, capacity, overlap)
            ]
    table = np.array(rows, dtype=np.int64).reshape(-1, 5)
    return Windows(*(np.ascontiguousarray(column) for column in table.T))


def find_borders(
    alignment: Alignment, tokens: slice, first: int, sentence_starts: IntArray | None
) -> tuple[IntArray, IntArray]:
    """Find the pieces of a text that begin a token, and those that begin a sentence, sorted.

    tokens (slice): The tokens of the text.
    first (int): Its first piece. The pieces found are counted from it.
    sentence_starts (IntArray | None): Those of the tokens that begin a sentence, counted from the
        first of them.
    """
    firsts = alignment.firsts[tokens] - first
    borders = np.unique(firsts[alignment.counts[tokens] > 0])
    if sentence_starts is None:
        return borders, borders[:0]
    return borders, np.unique(firsts[sentence_starts])


def split_pieces(
    n_pieces: int, borders: IntArray, sentences: IntArray, capacity: int, overlap: int
) -> list[tuple[int, int, int, int]]:
    """Split one Doc that is longer than a window.

    borders (IntArray): Pieces that begin a token, sorted.
    sentences (IntArray): Pieces that begin a sentence, sorted.
    RETURNS (list): start, end, keep_start, keep_end of each window.
    """
    found: list[tuple[int, int, int, int]] = []
    start = keep_start = 0
    while start + capacity < n_pieces:
        # Cut between tokens, unless one token fills half the window by itself.
        end = _last_at_most(borders, start + capacity, above=start + capacity // 2)
        end = start + capacity if end is None else end
        after = max(end - overlap, start + 1)
        chosen = _last_at_most(sentences, end - overlap // 2, above=end - 2 * overlap)
        if chosen is None or chosen <= start:
            chosen = _last_at_most(borders, after, above=start)
        after = after if chosen is None else min(chosen, end)
        middle = (after + end) // 2
        keep = _last_at_most(borders, middle, above=after - 1)
        keep = max(middle if keep is None else keep, keep_start)
        found.append((start, end, keep_start, keep))
        start, keep_start = after, keep
    found.append((start, n_pieces, keep_start, n_pieces))
    return found


def _last_at_most(values: IntArray, most: int, *, above: int) -> int | None:
    """Find the largest of sorted values that is at most `most` and greater than `above`."""
    index = int(np.searchsorted(values, most, side="right")) - 1
    return int(values[index]) if index >= 0 and values[index] > above else None
