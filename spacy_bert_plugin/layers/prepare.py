"""Docs to integers: pieces, alignment and windows of a batch of Docs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from spacy.attrs import IDX, LENGTH, SENT_START
from spacy.tokens import Doc

from ..pieces import (
    Alignment,
    IntArray,
    PieceCache,
    PieceTokenizer,
    Segments,
    TextPieces,
    Windows,
    align_tokens,
    check_windows,
    plan_windows,
)
from ..util.pairs import Pair, read_pair
from .apart_texts import ApartTexts, has_apart_texts, join_pieces, join_rows, split_docs
from .pair_streams import cut_texts, lay_out_texts


@dataclass(frozen=True)
class PreparedDocs:
    """Everything about a batch of Docs that is known before the encoder runs.

    pieces: One a Doc; of a pair, those of its two texts.
    ids: The stream that windows are cut from: all pieces of all Docs, and, where a Doc is a pair,
        those between its texts; see `pieces/pair_layout.py`.
        Shape: (n_stream,), int64
    segments: None where no Doc is a pair.
    apart: None where no Doc has several texts (`layers/apart_texts.py`).
    """

    pieces: list[TextPieces]
    ids: IntArray
    alignment: Alignment
    windows: Windows
    segments: Segments | None = None
    apart: ApartTexts | None = None

    @property
    def n_tokens(self) -> int:
        """Tokens of all Docs together."""
        return len(self.alignment.counts)

    @property
    def row_counts(self) -> list[int]:
        """Pooled vectors of each Doc: one, or one a text."""
        n_docs = len(self.alignment.doc_tokens)
        counts: list[int] = [1] * n_docs if self.apart is None else self.apart.doc_texts.tolist()
        return counts

    @property
    def row_tokens(self) -> IntArray:
        """Tokens of what each pooled vector stands for. Shape: (n_rows,)"""
        return self.alignment.doc_tokens if self.apart is None else self.apart.text_tokens

    @property
    def window_rows(self) -> IntArray:
        """The pooled vector that each window is a part of. Shape: (n_windows,)"""
        return self.windows.docs if self.apart is None else self.apart.window_texts


def prepare_docs(
    docs: Sequence[Doc],
    tokenizer: PieceTokenizer,
    *,
    max_pieces: int,
    overlap: int,
    cache: PieceCache | None = None,
) -> PreparedDocs:
    """Tokenise, align and window Docs.

    docs (Sequence[Doc]): Any number of Docs, empty ones, pairs (`layers/pairs.py`) and those of
        texts that are read apart (`layers/apart_texts.py`) included.
    max_pieces (int): Most pieces of a window, special ones included.
    overlap (int): Pieces that the windows of a long Doc share.
    cache (PieceCache | None): Where pieces of texts that come again are remembered.
    RAISES (SettingError): The windows leave no room for text, or for two texts.
    RAISES (DataError): The spans of a pair, or those of texts, do not cover their Doc.
    """
    if has_apart_texts(docs):
        return _prepare_apart(docs, tokenizer, max_pieces, overlap, cache)
    check_windows(max_pieces, overlap, tokenizer.n_special)
    pairs = [read_pair(doc) for doc in docs]
    encode = tokenizer.encode if cache is None else partial(cache.encode, tokenizer)
    pieces, n_firsts = _encode(docs, pairs, encode)
    spans = [doc.to_array([IDX, LENGTH]).astype(np.int64) for doc in docs]
    starts = [span[:, 0] for span in spans]
    alignment = align_tokens(pieces, starts, [span.sum(axis=1) for span in spans])
    capacity = max_pieces - tokenizer.n_special
    sentences = [
        find_sentence_starts(doc) if len(text) > capacity - len(tokenizer.pair.middle_ids) else None
        for doc, text in zip(docs, pieces, strict=True)
    ]
    if n_firsts:
        texts = cut_texts(pairs, pieces, n_firsts, alignment, sentences)
        stream = lay_out_texts(texts, tokenizer, max_pieces=max_pieces, overlap=overlap)
        alignment = replace(alignment, places=stream.places)
        return PreparedDocs(pieces, stream.ids, alignment, stream.windows, stream.segments)
    windows = plan_windows(alignment, capacity=capacity, overlap=overlap, sentence_starts=sentences)
    ids = [text.ids for text in pieces]
    return PreparedDocs(
        pieces, np.concatenate(ids) if ids else np.zeros(0, dtype=np.int64), alignment, windows
    )


def _prepare_apart(
    docs: Sequence[Doc],
    tokenizer: PieceTokenizer,
    max_pieces: int,
    overlap: int,
    cache: PieceCache | None,
) -> PreparedDocs:
    """Prepare Docs of which some have several texts: each text as a Doc of its own."""
    texts, doc_texts = split_docs(docs)
    found = prepare_docs(texts, tokenizer, max_pieces=max_pieces, overlap=overlap, cache=cache)
    alignment, windows, apart = join_rows(found.alignment, found.windows, doc_texts)
    pieces = join_pieces(docs, found.pieces, doc_texts)
    return replace(found, pieces=pieces, alignment=alignment, windows=windows, apart=apart)


def _encode(
    docs: Sequence[Doc],
    pairs: Sequence[Pair | None],
    encode: Callable[[Sequence[str]], list[TextPieces]],
) -> tuple[list[TextPieces], list[int]]:
    """Tokenise all texts in one call; the two of a pair apart from each other.

    RETURNS: The pieces of each Doc, and how many of them are of its first text.
    """
    texts: list[str] = []
    for doc, pair in zip(docs, pairs, strict=True):
        texts += [doc.text] if pair is None else [span.text for span in pair]
    encoded = encode(texts)
    if len(texts) == len(docs):
        return encoded, []
    pieces: list[TextPieces] = []
    n_firsts: list[int] = []
    parts = iter(encoded)
    for pair in pairs:
        first = next(parts)
        n_firsts.append(len(first))
        pieces.append(first if pair is None else _join(first, next(parts), pair.second.start_char))
    return pieces, n_firsts


def _join(first: TextPieces, second: TextPieces, begin: int) -> TextPieces:
    """Make the pieces of one text of those of two. `begin`: the second's first character."""
    return TextPieces(
        np.concatenate([first.ids, second.ids]),
        np.concatenate([first.offsets, second.offsets + begin]),
    )


def find_sentence_starts(doc: Doc) -> IntArray | None:
    """Find the tokens that begin a sentence, where something has set them.

    RETURNS (IntArray | None): Shape: (n_sentences,)
    """
    if not doc.has_annotation("SENT_START"):
        return None
    flags = doc.to_array([SENT_START]).reshape(-1).astype(np.int64)
    return np.flatnonzero(flags == 1).astype(np.int64)
