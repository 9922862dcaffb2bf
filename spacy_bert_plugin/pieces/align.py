"""Which pieces make up which token: character offsets compared with numpy, no loop over pieces.

text     u n b e l i e v a b l e   !
token    [---------- 0 ---------] [1]
pieces   [ 0 ][--- 1 ---][-- 2 --] [3]       token 0 -> pieces 0:3, token 1 -> pieces 3:4
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .tokenizer import TextPieces
from .types import IntArray


@dataclass(frozen=True)
class Alignment:
    """For every token of a batch of Docs, the run of pieces that overlap it.

    Pieces and tokens are numbered through the whole batch. A token with no piece (white space,
    zero-width characters) has an empty run.

    firsts: First piece of each token.
        Shape: (n_tokens,), int64
    counts: Number of pieces of each token.
        Shape: (n_tokens,), int64
    doc_tokens: Number of tokens of each Doc.
        Shape: (n_docs,), int64
    doc_pieces: Number of pieces of each Doc.
        Shape: (n_docs,), int64
    places: Where in the stream that windows are cut from each piece is kept, for Docs of two texts
        (`pair_layout`); None where that stream is the pieces.
        Shape: (n_pieces,), int64
    """

    firsts: IntArray
    counts: IntArray
    doc_tokens: IntArray
    doc_pieces: IntArray
    places: IntArray | None = None


def align_tokens(
    pieces: Sequence[TextPieces], starts: Sequence[IntArray], ends: Sequence[IntArray]
) -> Alignment:
    """Align the tokens of Docs with the pieces of their texts.

    pieces (Sequence[TextPieces]): One a Doc.
    starts (Sequence[IntArray]): First character of each token, one array a Doc.
        Shape: (n_tokens,) each
    ends (Sequence[IntArray]): Last character (exclusive) of each token.
        Shape: (n_tokens,) each
    """
    doc_pieces = np.array([len(text) for text in pieces], dtype=np.int64)
    doc_tokens = np.array([len(tokens) for tokens in starts], dtype=np.int64)
    if not len(pieces):
        empty = np.zeros(0, dtype=np.int64)
        return Alignment(empty, empty, doc_tokens, doc_pieces)
    # Each Doc gets a stretch of one long number line, so one search serves all of them. A
    # stretch is as long as the Doc's text, whichever of tokens and pieces reach further.
    reach = [
        max(int(e[-1]) if len(e) else 0, int(p.offsets[:, 1].max()) if len(p) else 0) + 1
        for p, e in zip(pieces, ends, strict=True)
    ]
    origin = np.concatenate([[0], np.cumsum(reach)[:-1]])
    offsets = np.concatenate([text.offsets for text in pieces])
    shift = np.repeat(origin, doc_pieces)
    # Byte-level pieces of one character repeat its offsets and a few tokenizers step back by
    # one; a running maximum makes both lines sorted without moving any piece out of its token.
    piece_starts = np.maximum.accumulate(offsets[:, 0] + shift)
    piece_ends = np.maximum.accumulate(offsets[:, 1] + shift)
    shift = np.repeat(origin, doc_tokens)
    token_starts = np.concatenate(list(starts)) + shift
    token_ends = np.concatenate(list(ends)) + shift
    firsts = np.searchsorted(piece_ends, token_starts, side="right")
    lasts = np.searchsorted(piece_starts, token_ends, side="left")
    return Alignment(firsts, np.maximum(lasts - firsts, 0), doc_tokens, doc_pieces)


def expand_runs(firsts: IntArray, counts: IntArray) -> IntArray:
    """Write out runs of consecutive numbers: firsts [3, 9], counts [2, 3] -> [3, 4, 9, 10, 11].

    firsts (IntArray): First number of each run.
        Shape: (n_runs,)
    counts (IntArray): Length of each run; 0 is allowed.
        Shape: (n_runs,)
    RETURNS (IntArray): All runs, one after the other.
        Shape: (sum of counts,)
    """
    before = np.cumsum(counts) - counts
    runs: IntArray = np.arange(int(counts.sum()), dtype=np.int64)
    runs += np.repeat(firsts - before, counts)
    return runs
