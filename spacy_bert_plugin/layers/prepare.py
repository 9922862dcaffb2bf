"""Docs to integers: pieces, alignment and windows of a batch of Docs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from spacy.attrs import IDX, LENGTH, SENT_START
from spacy.tokens import Doc

from ..pieces import (
    Alignment,
    IntArray,
    PieceCache,
    PieceTokenizer,
    TextPieces,
    Windows,
    align_tokens,
    check_windows,
    plan_windows,
)


@dataclass(frozen=True)
class PreparedDocs:
    """Everything about a batch of Docs that is known before the encoder runs.

    pieces: One a Doc.
    ids: All pieces of all Docs.
        Shape: (n_pieces,), int64
    """

    pieces: list[TextPieces]
    ids: IntArray
    alignment: Alignment
    windows: Windows

    @property
    def n_tokens(self) -> int:
        """Tokens of all Docs together."""
        return len(self.alignment.counts)


def prepare_docs(
    docs: Sequence[Doc],
    tokenizer: PieceTokenizer,
    *,
    max_pieces: int,
    overlap: int,
    cache: PieceCache | None = None,
) -> PreparedDocs:
    """Tokenise, align and window Docs.

    docs (Sequence[Doc]): Any number of Docs, empty ones included.
    max_pieces (int): Most pieces of a window, special ones included.
    overlap (int): Pieces that the windows of a long Doc share.
    cache (PieceCache | None): Where pieces of texts that come again are remembered.
    RAISES (SettingError): The windows leave no room for text.
    """
    check_windows(max_pieces, overlap, tokenizer.n_special)
    texts = [doc.text for doc in docs]
    pieces = tokenizer.encode(texts) if cache is None else cache.encode(tokenizer, texts)
    spans = [doc.to_array([IDX, LENGTH]).astype(np.int64) for doc in docs]
    starts = [span[:, 0] for span in spans]
    alignment = align_tokens(pieces, starts, [span.sum(axis=1) for span in spans])
    capacity = max_pieces - tokenizer.n_special
    windows = plan_windows(
        alignment,
        capacity=capacity,
        overlap=overlap,
        sentence_starts=[
            find_sentence_starts(doc) if len(text) > capacity else None
            for doc, text in zip(docs, pieces, strict=True)
        ],
    )
    ids = [text.ids for text in pieces]
    return PreparedDocs(
        pieces, np.concatenate(ids) if ids else np.zeros(0, dtype=np.int64), alignment, windows
    )


def find_sentence_starts(doc: Doc) -> IntArray | None:
    """Find the tokens that begin a sentence, where something has set them.

    RETURNS (IntArray | None): Shape: (n_sentences,)
    """
    if not doc.has_annotation("SENT_START"):
        return None
    flags = doc.to_array([SENT_START]).reshape(-1).astype(np.int64)
    return np.flatnonzero(flags == 1).astype(np.int64)
