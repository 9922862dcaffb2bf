"""Which pieces of Docs are hidden and asked: masks in the text, or every token in turn.

A Doc longer than a window is asked in windows around the place that is asked:

    pieces    0 ................... x ................... n
    window          [---------------x---------------]        as far as there is text
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from spacy.attrs import IDX, LENGTH
from spacy.tokens import Doc

from ..errors import Errors, SettingError
from ..layers.masked_scores import MaskedWindows
from ..pieces import IntArray, PieceTokenizer, align_tokens, expand_runs


@dataclass(frozen=True)
class Masks:
    """Masks in texts. Shape: one for each piece that is asked

    texts: Number of the text.
    starts: Character that the mask begins at.
    """

    windows: MaskedWindows
    texts: list[int]
    starts: list[int]


@dataclass(frozen=True)
class HiddenTokens:
    """Tokens of Docs, each hidden in turn.

    tokens: Token of each piece that is asked, numbered through the Docs.
        Shape: (n_asked,), int64
    counts: Pieces of each token.
        Shape: (n_tokens,), int64
    """

    windows: MaskedWindows
    tokens: IntArray
    counts: IntArray


def find_masks(
    texts: Sequence[str], mask_text: str, tokenizer: PieceTokenizer, *, capacity: int, name: str
) -> Masks:
    """Ask for every mask in some texts, all masks of a window hidden at once.

    mask_text (str): What stands for the mask piece in them.
    capacity (int): Most pieces of a window, special ones not counted.
    name (str): Of the component, for messages.
    RAISES (SettingError): The tokenizer has no mask piece.
    """
    key = tokenizer.mask_key
    if key is None:
        raise SettingError(Errors.SB537.format(name=name))
    parts = [text.split(mask_text) for text in texts]
    # With the mask piece itself in the text, so that it takes white space along as in training.
    pieces = tokenizer.encode([key.join(part) for part in parts])
    places = [np.flatnonzero(text.ids == tokenizer.mask_id) for text in pieces]
    if [len(found) for found in places] != [len(part) - 1 for part in parts]:
        raise SettingError(Errors.SB537.format(name=name))
    starts = [
        [end - len(mask_text) for end in accumulate(len(p) + len(mask_text) for p in part[:-1])]
        for part in parts
    ]
    sizes = np.array([len(text) for text in pieces], dtype=np.int64)
    before = np.cumsum(sizes) - sizes
    owners = np.repeat(np.arange(len(texts)), [len(found) for found in places])
    asked = np.concatenate([*places, np.zeros(0, dtype=np.int64)]) + before[owners]
    # Masks of one text that are asked in the same window share it.
    table = np.stack(cut_windows(asked, before[owners], sizes[owners], capacity), axis=1)
    windows, window_of = np.unique(table, axis=0, return_inverse=True)
    nothing = np.ascontiguousarray(windows[:, 0])
    ids = np.concatenate([*(text.ids for text in pieces), np.zeros(0, dtype=np.int64)])
    return Masks(
        MaskedWindows(
            ids, nothing, windows[:, 1].copy(), nothing, nothing, asked, window_of.reshape(-1)
        ),
        owners.tolist(),
        [start for found in starts for start in found],
    )


def hide_tokens(docs: Sequence[Doc], tokenizer: PieceTokenizer, *, capacity: int) -> HiddenTokens:
    """Ask for every piece of every token, hidden together with the pieces of its token after it.

    So the probability of a token is the product of those of its pieces, each given those before
    it: Kauf and Ivanova (2023), https://aclanthology.org/2023.acl-short.80

    capacity (int): Most pieces of a window, special ones not counted.
    """
    pieces = tokenizer.encode([doc.text for doc in docs])
    spans = [doc.to_array([IDX, LENGTH]).astype(np.int64) for doc in docs]
    alignment = align_tokens(pieces, [s[:, 0] for s in spans], [s.sum(axis=1) for s in spans])
    asked = expand_runs(alignment.firsts, alignment.counts)
    tokens = np.repeat(np.arange(len(alignment.counts)), alignment.counts)
    owners = np.repeat(np.arange(len(docs)), alignment.doc_tokens)[tokens]
    sizes = alignment.doc_pieces
    before = np.cumsum(sizes) - sizes
    starts, ends = cut_windows(asked, before[owners], sizes[owners], capacity)
    hidden_ends = np.minimum((alignment.firsts + alignment.counts)[tokens], ends)
    ids = np.concatenate([*(text.ids for text in pieces), np.zeros(0, dtype=np.int64)])
    windows = MaskedWindows(ids, starts, ends, asked, hidden_ends, asked, np.arange(len(asked)))
    return HiddenTokens(windows, tokens, alignment.counts)


def cut_windows(
    asked: IntArray, before: IntArray, sizes: IntArray, capacity: int
) -> tuple[IntArray, IntArray]:
    """Put a window around each piece that is asked.

    before (IntArray): First piece of its text.
    sizes (IntArray): Pieces of its text.
    capacity (int): Most pieces of a window.
    RETURNS: First and last (exclusive) piece of each window.
        Shape: (n_asked,) each
    """
    latest = np.maximum(sizes - capacity, 0)
    starts = before + np.clip(asked - before - capacity // 2, 0, latest)
    return starts, np.minimum(starts + capacity, before + sizes)
