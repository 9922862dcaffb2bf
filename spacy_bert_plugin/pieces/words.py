"""Which pieces are words by themselves, and how they read: what may be proposed for a masked word.

WordPiece     play   ##ing            "##ing" goes on with a word
byte-level    Ġplay  ing   Ġ          "Ġ" begins a word after white space
Metaspace     ▁play  ing   ▁          so does "▁"
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import decoders

from .tokenizer import PieceTokenizer

CONTINUED = "##"
MARKS = {"byte": "Ġ", "metaspace": "▁"}
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PieceWords:
    """What pieces read as, and where they may stand.

    names: Pieces as the vocabulary has them.
    kind: "wordpiece", "byte" or "metaspace".
    after_space: Those that are a word after white space.
        Shape: (vocab_size,)
    after_text: Those that may follow other text directly, an opening bracket say.
        Shape: (vocab_size,)
    at_start: Those that are a word at the very start of a text: one of the two above.
        Shape: (vocab_size,)
    """

    names: list[str]
    kind: str
    after_space: BoolArray
    after_text: BoolArray
    at_start: BoolArray

    def read(self, piece_id: int) -> str:
        """Give the text that a piece stands for, without white space around it."""
        name = self.names[piece_id]
        if self.kind == "byte":
            name = decoders.ByteLevel().decode([name])
        return name.replace(MARKS["metaspace"], " ").strip() if self.kind != "wordpiece" else name

    def find_allowed(self, text: str, start: int) -> BoolArray:
        """Find the pieces that are words where a mask begins in a text. Shape: (vocab_size,)"""
        if start == 0:
            return self.at_start
        return self.after_space if text[start - 1].isspace() else self.after_text


def read_piece_words(tokenizer: PieceTokenizer) -> PieceWords:
    """Read the words of a vocabulary."""
    names = tokenizer.list_pieces()
    is_text = np.array([bool(name) for name in names], dtype=np.bool_)
    is_text[list(tokenizer.special_ids)] = False
    kind = _find_kind(tokenizer, names)
    if kind == "wordpiece":
        is_begun = np.array([not name.startswith(CONTINUED) for name in names], dtype=np.bool_)
        allowed = is_text & is_begun
        return PieceWords(names, kind, allowed, allowed, allowed)
    mark = MARKS[kind]
    is_marked = np.array([name.startswith(mark) for name in names], dtype=np.bool_)
    is_long = np.array([bool(name.strip(mark)) for name in names], dtype=np.bool_)
    after_space, after_text = is_text & is_marked & is_long, is_text & ~is_marked
    first = tokenizer.encode(["a"])[0].ids[:1]
    is_start_marked = bool(len(first)) and bool(is_marked[first[0]])
    return PieceWords(
        names, kind, after_space, after_text, after_space if is_start_marked else after_text
    )


def _find_kind(tokenizer: PieceTokenizer, names: list[str]) -> str:
    if '"ByteLevel"' in tokenizer.json:
        return "byte"
    if any(name.startswith(MARKS["metaspace"]) for name in names):
        return "metaspace"
    return "wordpiece"
