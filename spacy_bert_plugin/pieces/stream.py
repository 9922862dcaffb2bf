"""The streams of several Docs, some of two texts, laid end to end."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .pair_layout import Layout
from .types import IntArray
from .windows import Windows


@dataclass(frozen=True)
class Segments:
    """Segments of what windows show, where some Doc has two texts.

    pieces: Of each piece of the stream.
        Shape: (n_stream,), int64
    suffix: Of the special pieces at the end of each window.
        Shape: (n_windows, n_suffix), int64
    """

    pieces: IntArray
    suffix: IntArray


@dataclass(frozen=True)
class Stream:
    """What the windows of a call are cut from.

    ids: Pieces, special ones between texts included.
        Shape: (n_stream,), int64
    windows: Counted in the stream.
    segments: Of all pieces.
    places: Where in the stream each piece of the texts is kept from.
        Shape: (n_pieces,), int64
    """

    ids: IntArray
    windows: Windows
    segments: Segments
    places: IntArray


def join_layouts(layouts: Sequence[Layout]) -> Stream:
    """Lay the streams of Docs end to end.

    layouts (Sequence[Layout]): One a Doc, at least one.
    """
    lengths = np.array([len(layout.ids) for layout in layouts], dtype=np.int64)
    begins = np.cumsum(lengths) - lengths
    counts = np.array([len(layout.windows) for layout in layouts], dtype=np.int64)
    windows = np.concatenate([layout.windows for layout in layouts]).astype(np.int64)
    windows += np.repeat(begins, counts)[:, None]
    places = [
        begin + (np.arange(length) if layout.places is None else layout.places)
        for layout, begin, length in zip(layouts, begins, lengths, strict=True)
    ]
    suffixes = [np.tile(layout.suffix, (len(layout.windows), 1)) for layout in layouts]
    starts, ends, keep_starts, keep_ends = (np.ascontiguousarray(rows) for rows in windows.T)
    docs = np.repeat(np.arange(len(layouts)), counts)
    return Stream(
        np.concatenate([layout.ids for layout in layouts]),
        Windows(starts, ends, keep_starts, keep_ends, docs),
        Segments(np.concatenate([layout.segments for layout in layouts]), np.concatenate(suffixes)),
        np.concatenate(places),
    )
