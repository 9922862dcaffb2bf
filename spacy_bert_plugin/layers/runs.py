"""A long Doc cut into runs of windows that can be encoded one after the other.

    windows     [0][1][2][3] [4][5][6][7] [8][9]
    tokens      0 ........ | ........... | .... n
                    run 0       run 1      run 2     every token is in exactly one of them

A run is a small Doc of its own: it has the windows of the long one, with their context, and those
tokens whose pieces are all kept from these windows. So each token has the vector that it has when
everything is encoded at once. In a pair of two long texts, windows do not keep tokens in the order
of the text; such a Doc is one run.
"""

from collections.abc import Iterator

import numpy as np

from ..pieces import Alignment, IntArray, Segments, Windows
from .prepare import PreparedDocs


def cut_runs(prepared: PreparedDocs, *, run_pieces: int) -> Iterator[PreparedDocs]:
    """Cut one Doc into runs of windows that keep at least `run_pieces` pieces, but for the last.

    prepared (PreparedDocs): Of one Doc.
    YIELDS (PreparedDocs): At least one. Together they have every token once, in order.
    """
    alignment, windows, places = prepared.alignment, prepared.windows, prepared.alignment.places
    borders = windows.keep_starts
    if places is not None:
        if (np.diff(places) < 0).any():
            yield prepared
            return
        borders = np.searchsorted(places, windows.starts).astype(np.int64)
    cut = _cut if places is None else _cut_pair
    begin_token = begin_window = 0
    for window in _find_clean(alignment, borders).tolist():
        if int(windows.keep_starts[window] - windows.keep_starts[begin_window]) < run_pieces:
            continue
        token = int(np.searchsorted(alignment.firsts, borders[window]))
        yield cut(prepared, slice(begin_window, window), slice(begin_token, token))
        begin_window, begin_token = window, token
    yield cut(prepared, slice(begin_window, None), slice(begin_token, None))


def _find_clean(alignment: Alignment, borders: IntArray) -> IntArray:
    """Windows before which no token is cut: none has pieces kept from both sides.

    borders (IntArray): The first piece of the text that each window keeps.
        Shape: (n_windows,)
    """
    reach = np.maximum.accumulate(alignment.firsts + alignment.counts)
    before = np.searchsorted(alignment.firsts, borders) - 1
    is_clean = (before >= 0) & (reach[before] <= borders)
    return np.flatnonzero(is_clean).astype(np.int64)


def _cut(prepared: PreparedDocs, chosen: slice, tokens: slice) -> PreparedDocs:
    """Make a Doc of some windows and tokens, its pieces counted from its first one."""
    alignment, windows = prepared.alignment, prepared.windows
    if not len(windows):
        return prepared
    starts, ends = windows.starts[chosen], windows.ends[chosen]
    first, n_pieces = int(starts[0]), int(ends[-1] - starts[0])
    # The context at both ends is kept as well, but belongs to no token of this run.
    borders = np.append(windows.keep_starts[chosen][1:] - first, n_pieces)
    firsts, counts = alignment.firsts[tokens] - first, alignment.counts[tokens]
    return PreparedDocs(
        prepared.pieces,
        prepared.ids[first : first + n_pieces],
        Alignment(firsts, counts, np.array([len(counts)]), np.array([n_pieces])),
        Windows(
            starts - first,
            ends - first,
            np.append(0, borders[:-1]),
            borders,
            np.zeros(len(starts), dtype=np.int64),
        ),
    )


def _cut_pair(prepared: PreparedDocs, chosen: slice, tokens: slice) -> PreparedDocs:
    """The same for two texts, whose windows follow each other without an overlap."""
    alignment, windows, segments = prepared.alignment, prepared.windows, prepared.segments
    places = alignment.places
    if not len(windows) or places is None or segments is None:
        return prepared
    starts, ends = windows.starts[chosen], windows.ends[chosen]
    begin, end = int(starts[0]), int(ends[-1])
    first, last = np.searchsorted(places, [begin, end])
    firsts, counts = alignment.firsts[tokens] - first, alignment.counts[tokens]
    sizes = np.array([len(counts)]), np.array([last - first])
    starts, ends, docs = starts - begin, ends - begin, np.zeros_like(starts)
    return PreparedDocs(
        prepared.pieces,
        prepared.ids[begin:end],
        Alignment(firsts, counts, *sizes, places[first:last] - begin),
        Windows(starts, ends, starts, ends, docs),
        Segments(segments.pieces[begin:end], segments.suffix[chosen]),
    )
