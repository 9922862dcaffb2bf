"""Windows to packed arrays, and packed rows back to tokens. Integers only.

A batch of three windows with special pieces C and S lies end to end, with no padding:

    C a a a S C b b S C c c c c S          lengths (5, 4, 6)
    0 1 2 3 4 0 1 2 3 0 1 2 3 4 5          positions
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .align import Alignment, expand_runs
from .stream import Segments
from .types import FloatArray, IntArray
from .windows import Windows


@dataclass(frozen=True)
class PackedWindows:
    """The integers of one batch.

    ids, positions: Shape: (n_packed,), int64
    lengths: Pieces of each window, special pieces included.
    segments: None where all pieces are in segment 0.
        Shape: (n_packed,), int64
    """

    ids: IntArray
    positions: IntArray
    lengths: tuple[int, ...]
    segments: IntArray | None = None


@dataclass(frozen=True)
class TokenRows:
    """How to sum packed rows of one batch into token vectors.

    rows: Row of the packed batch, grouped by token.
        Shape: (n_pairs,), int64
    weights: One over the number of pieces of the pair's token.
        Shape: (n_pairs,), float32
    firsts: 1.0 where the piece is the first of its token, 0.0 elsewhere.
        Shape: (n_pairs,), float32
    offsets: Where each token's group begins in `rows`.
        Shape: (n_batch_tokens,), int64
    tokens: The tokens, numbered through the call.
        Shape: (n_batch_tokens,), int64
    """

    rows: IntArray
    weights: FloatArray
    firsts: FloatArray
    offsets: IntArray
    tokens: IntArray


def pack_windows(
    ids: IntArray,
    windows: Windows,
    chosen: IntArray,
    *,
    prefix: Sequence[int],
    suffix: Sequence[int],
    segments: Segments | None = None,
) -> PackedWindows:
    """Lay some windows end to end, special pieces around each.

    ids (IntArray): All pieces of the call.
        Shape: (n_pieces,)
    chosen (IntArray): The windows of this batch, in the order in which they will lie.
        Shape: (n_chosen,)
    segments (Segments | None): None: there is one segment.
    """
    inner = windows.lengths[chosen]
    lengths = inner + len(prefix) + len(suffix)
    begins = np.cumsum(lengths) - lengths
    packed = np.empty(int(lengths.sum()), dtype=np.int64)
    rows = expand_runs(begins + len(prefix), inner)
    shown = expand_runs(windows.starts[chosen], inner)
    packed[rows] = ids[shown]
    for index, special in enumerate(prefix):
        packed[begins + index] = special
    for index, special in enumerate(suffix):
        packed[begins + len(prefix) + inner + index] = special
    positions = expand_runs(np.zeros_like(lengths), lengths)
    laid = None
    if segments is not None:
        laid = np.zeros_like(packed)
        laid[rows] = segments.pieces[shown]
        for index in range(len(suffix)):
            laid[begins + len(prefix) + inner + index] = segments.suffix[chosen, index]
    return PackedWindows(packed, positions, tuple(lengths.tolist()), laid)


def fill_up(packed: PackedWindows, step: int) -> PackedWindows:
    """Add windows of one piece until the pieces are a multiple of `step`.

    Windows that are sorted, longest first, stay so, and no row moves.

    step (int): At least 1.
    """
    n_missing = -len(packed.ids) % step
    if not n_missing:
        return packed
    filling = np.zeros(n_missing, dtype=np.int64)
    return PackedWindows(
        np.append(packed.ids, filling),
        np.append(packed.positions, filling),
        (*packed.lengths, *([1] * n_missing)),
        None if packed.segments is None else np.append(packed.segments, filling),
    )


def map_rows(
    alignment: Alignment,
    windows: Windows,
    batches: Sequence[IntArray],
    *,
    n_prefix: int,
    n_special: int,
) -> list[TokenRows]:
    """Say for each batch which packed rows make up which tokens.

    batches (Sequence[IntArray]): The windows of each batch, in the order in which they lie.
        Windows in no batch are left out.
    RETURNS (list[TokenRows]): One a batch. A token whose pieces were kept from windows of
        several batches appears in each of them, with weights that sum to one over all.
    """
    batch_of = np.full(len(windows), -1, dtype=np.int64)
    row_of = np.zeros(len(windows), dtype=np.int64)  # packed row of a window's first own piece
    for number, chosen in enumerate(batches):
        lengths = windows.lengths[chosen] + n_special
        batch_of[chosen] = number
        row_of[chosen] = np.cumsum(lengths) - lengths + n_prefix
    # Kept parts cover each piece once and in order, so they spread over all pieces at once.
    spread = np.repeat(np.arange(len(windows)), windows.keep_ends - windows.keep_starts)
    piece_rows = row_of[spread] + np.arange(len(spread)) - windows.starts[spread]
    pieces = expand_runs(alignment.firsts, alignment.counts)
    tokens = np.repeat(np.arange(len(alignment.counts)), alignment.counts)
    is_first = (pieces == alignment.firsts[tokens]).astype(np.float32)
    if alignment.places is not None:
        pieces = alignment.places[pieces]
    shares = (1.0 / np.maximum(alignment.counts, 1)).astype(np.float32)
    weights = np.repeat(shares, alignment.counts)
    pair_batch = batch_of[spread[pieces]]
    order = np.argsort(pair_batch, kind="stable")
    cuts = np.searchsorted(pair_batch[order], np.arange(len(batches) + 1))
    return [
        _group(piece_rows[pieces[pairs]], weights[pairs], is_first[pairs], tokens[pairs])
        for pairs in (order[a:b] for a, b in pairwise(cuts))
    ]


def _group(rows: IntArray, weights: FloatArray, firsts: FloatArray, tokens: IntArray) -> TokenRows:
    """Find where each token begins among pairs that are sorted by token."""
    begins = np.flatnonzero(np.diff(tokens, prepend=-1))
    return TokenRows(rows, weights, firsts, begins, tokens[begins])
