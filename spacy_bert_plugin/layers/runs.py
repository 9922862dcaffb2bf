"""A long Doc cut into runs of windows that can be encoded one after the other.

    windows     [0][1][2][3] [4][5][6][7] [8][9]
    tokens      0 ........ | ........... | .... n
                    run 0       run 1      run 2     every token is in exactly one of them

A run is a small Doc of its own: it has the windows of the long one, with their context, and those
tokens whose pieces are all kept from these windows. So each token has the vector that it has when
everything is encoded at once.
"""

from collections.abc import Iterator

import numpy as np

from ..pieces import Alignment, IntArray, Windows
from .prepare import PreparedDocs


def cut_runs(prepared: PreparedDocs, *, run_pieces: int) -> Iterator[PreparedDocs]:
    """Cut one Doc into runs of windows that keep at least `run_pieces` pieces, but for the last.

    prepared (PreparedDocs): Of one Doc.
    YIELDS (PreparedDocs): At least one. Together they have every token once, in order.
    """
    alignment, windows = prepared.alignment, prepared.windows
    begin_token = begin_window = 0
    for window in _find_borders(alignment, windows).tolist():
        border = int(windows.keep_starts[window])
        if border - int(windows.keep_starts[begin_window]) < run_pieces:
            continue
        token = int(np.searchsorted(alignment.firsts, border))
        yield _cut(prepared, slice(begin_window, window), slice(begin_token, token))
        begin_window, begin_token = window, token
    yield _cut(prepared, slice(begin_window, None), slice(begin_token, None))


def _find_borders(alignment: Alignment, windows: Windows) -> IntArray:
    """Windows before which no token is cut: none has pieces kept from both sides."""
    reach = np.maximum.accumulate(alignment.firsts + alignment.counts)
    before = np.searchsorted(alignment.firsts, windows.keep_starts) - 1
    is_clean = (before >= 0) & (reach[before] <= windows.keep_starts)
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
