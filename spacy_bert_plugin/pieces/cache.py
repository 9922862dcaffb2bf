"""Pieces of texts that come again: training reads the same texts every epoch."""

from collections.abc import Sequence
from threading import Lock
from typing import Any

from .tokenizer import PieceTokenizer, TextPieces

# About 200 MB: a text of n pieces takes 24 bytes a piece and itself.
MAX_PIECES = 4_000_000


class PieceCache:
    """Remembers the pieces of texts until there are too many, then starts anew.

    It belongs to one tokenizer. Copies are empty.
    """

    def __init__(self, *, max_pieces: int = MAX_PIECES) -> None:
        self.max_pieces = max_pieces
        self._known: dict[str, TextPieces] = {}
        self._n_pieces = 0
        self._lock = Lock()

    def encode(self, tokenizer: PieceTokenizer, texts: Sequence[str]) -> list[TextPieces]:
        """Give the pieces of texts; only those not known are tokenised.

        RETURNS (list[TextPieces]): One a text, in order.
        RAISES (TextError): A text is not a str or not valid Unicode.
        """
        known = self._known
        found = [known.get(text) if isinstance(text, str) else None for text in texts]
        missing = [index for index, pieces in enumerate(found) if pieces is None]
        if missing:
            new = tokenizer.encode([texts[index] for index in missing])
            for index, pieces in zip(missing, new, strict=True):
                found[index] = pieces
            self._add([texts[index] for index in missing], new)
        return [pieces for pieces in found if pieces is not None]

    def __len__(self) -> int:
        return len(self._known)

    def _add(self, texts: Sequence[str], pieces: Sequence[TextPieces]) -> None:
        n_new = sum(map(len, pieces))
        with self._lock:
            if self._n_pieces + n_new > self.max_pieces:
                self._known, self._n_pieces = {}, 0
            if n_new <= self.max_pieces:
                self._known.update(zip(texts, pieces, strict=True))
                self._n_pieces += n_new

    def __deepcopy__(self, memo: dict[int, Any]) -> "PieceCache":
        return PieceCache(max_pieces=self.max_pieces)

    def __reduce__(self) -> tuple[type["PieceCache"], tuple[()]]:
        return PieceCache, ()
