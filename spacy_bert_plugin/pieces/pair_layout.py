"""Where the pieces of two texts lie in the stream that windows are cut from.

A pair that fits is one window; the special pieces between the texts stand in the stream:

    stream    a a a S b b                      window   C a a a S b b S
    places    0 1 2   4 5                      of the pieces a a a b b

Of a longer pair, windows go over the longer text, and each shows the whole of the shorter one. The
stream holds what each window shows, so the windows follow each other in it without an overlap:

    stream    a a S b0 b1 b2 b3   a a S b2 b3 b4 b5
    kept      a a   b0 b1 b2                b3 b4 b5      every piece from one window

The shorter text is kept from the first window if it is the first of the two, else from the last
one: so pieces are kept in the order of the text. Where both are longer than half a window, both are
cut: the windows of the one that has more go over it, each beside that window of the other which
lies at the same part of it. So everything is read, and the number of windows grows as the texts do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import Errors, SettingError
from .pair_pieces import PairPieces
from .types import IntArray
from .windows import split_pieces

# Least pieces of text that a window of a pair has room for.
LEAST_ROOM = 4
Part = tuple[int, int, int, int]  # start, end, keep_start, keep_end


@dataclass(frozen=True)
class Side:
    """One of two texts.

    ids: Its pieces.
        Shape: (n_pieces,), int64
    borders: Pieces that begin a token, sorted.
        Shape: (n_borders,)
    sentences: Pieces that begin a sentence, sorted.
        Shape: (n_sentences,)
    """

    ids: IntArray
    borders: IntArray
    sentences: IntArray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Layout:
    """The stream of one Doc.

    ids, segments: Pieces, special ones between texts included.
        Shape: (n_stream,), int64
    windows: Parts of the stream that windows show, and those that they keep: start, end,
        keep_start, keep_end. The kept parts cover the stream once, in order.
        Shape: (n_windows, 4), int64
    suffix: Segments of the special pieces at the end of each window.
        Shape: (n_suffix,)
    places: Where each piece of the Doc's text is kept from; None: the stream is the text.
        Shape: (n_pieces,), int64
    """

    ids: IntArray
    segments: IntArray
    windows: IntArray
    suffix: IntArray
    places: IntArray | None


def lay_out_pair(
    first: Side, second: Side, special: PairPieces, *, room: int, overlap: int
) -> Layout:
    """Lay two texts out for the encoder.

    room (int): Most pieces of text that a window holds, all special pieces left out.
    overlap (int): Pieces that neighbouring windows share; fewer where they are short.
    RETURNS (Layout): Without a window if neither text has a piece.
    RAISES (SettingError): There is no room for two texts.
    """
    if room < LEAST_ROOM:
        raise SettingError(Errors.SB852.format(least=LEAST_ROOM, got=max(room, 0)))
    parts = split_pair(first, second, room=room, overlap=overlap)
    n_first, n_middle = len(first), len(special.middle_ids)
    middle = np.array(special.middle_ids, dtype=np.int64)
    places = np.zeros(n_first + len(second), dtype=np.int64)
    ids: list[IntArray] = []
    segments: list[int] = []
    begins = [0]
    for (a0, a1, a2, a3), (b0, b1, b2, b3) in parts:
        begin, border = begins[-1], begins[-1] + a1 - a0 + n_middle
        places[a2:a3] = np.arange(a2, a3) - a0 + begin
        places[n_first + b2 : n_first + b3] = np.arange(b2, b3) - b0 + border
        ids += [first.ids[a0:a1], middle, second.ids[b0:b1]]
        segments += [special.first] * (a1 - a0) + [*special.middle] + [special.second] * (b1 - b0)
        begins.append(border + b1 - b0)
    starts, ends = begins[:-1], begins[1:]
    return Layout(
        np.concatenate(ids) if ids else middle[:0],
        np.array(segments, dtype=np.int64),
        np.array([starts, ends, starts, ends], dtype=np.int64).T,
        np.array(special.suffix, dtype=np.int64),
        places,
    )


def lay_out_text(text: Side, n_suffix: int, *, capacity: int, overlap: int) -> Layout:
    """Lay out a single text: the stream is its pieces, all in segment 0.

    n_suffix (int): Number of special pieces at the end of a window.
    capacity (int): Most pieces of text that a window holds.
    """
    n_pieces = len(text)
    parts = [(0, n_pieces, 0, n_pieces)] if n_pieces else []
    if n_pieces > capacity:
        parts = split_pieces(n_pieces, text.borders, text.sentences, capacity, overlap)
    return Layout(
        text.ids,
        np.zeros_like(text.ids),
        np.array(parts, dtype=np.int64).reshape(-1, 4),
        np.zeros(n_suffix, dtype=np.int64),
        None,
    )


def split_pair(first: Side, second: Side, *, room: int, overlap: int) -> list[tuple[Part, Part]]:
    """Choose what each window shows, and keeps, of either text.

    RETURNS (list): None for two texts without pieces. Every piece is kept once, from a window that
        shows it.
    """
    sizes = len(first), len(second)
    if not any(sizes):
        return []
    shorter = min(sizes)
    if shorter <= room // 2:
        capacities = [room - shorter if size == max(sizes) else size for size in sizes]
        if sizes[0] == sizes[1]:  # both fit
            capacities = list(sizes)
    else:
        capacities = [room // 2, room - room // 2]
    splits = [
        _split(side, capacity, overlap)
        for side, capacity in zip((first, second), capacities, strict=True)
    ]
    n_windows = max(map(len, splits))
    return list(
        zip(
            _spread(splits[0], n_windows, is_first=True),
            _spread(splits[1], n_windows, is_first=False),
            strict=True,
        )
    )


def _split(side: Side, capacity: int, overlap: int) -> list[Part]:
    """Cut one text into parts of at most `capacity` pieces, at least one part."""
    if len(side) <= capacity:
        return [(0, len(side), 0, len(side))]
    shared = min(overlap, max(capacity - 2, 0) // 2)
    return split_pieces(len(side), side.borders, side.sentences, capacity, shared)


def _spread(parts: Sequence[Part], n_windows: int, *, is_first: bool) -> list[Part]:
    """Put parts into at least as many windows, each kept from one of those that show it.

    is_first (bool): Kept from the first of them, or else from the last.
    """
    numbers = [window * len(parts) // n_windows for window in range(n_windows)]
    spread: list[Part] = []
    for window, number in enumerate(numbers):
        start, end, keep_start, keep_end = parts[number]
        beside = window - 1 if is_first else window + 1
        is_other = 0 <= beside < n_windows and numbers[beside] == number
        spread.append((start, end, keep_start, keep_start if is_other else keep_end))
    return spread
