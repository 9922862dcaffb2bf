"""Text -> pieces -> windows -> packed arrays, and back to tokens. No torch, no spaCy."""

from .align import Alignment, align_tokens, expand_runs
from .cache import PieceCache
from .pack import PackedWindows, TokenRows, fill_up, map_rows, pack_windows
from .tokenizer import PieceTokenizer, TextPieces
from .types import FloatArray, IntArray
from .windows import Windows, check_windows, choose_overlap, plan_windows, split_pieces
from .words import PieceWords, read_piece_words

__all__ = [
    "Alignment",
    "FloatArray",
    "IntArray",
    "PackedWindows",
    "PieceCache",
    "PieceTokenizer",
    "PieceWords",
    "TextPieces",
    "TokenRows",
    "Windows",
    "align_tokens",
    "check_windows",
    "choose_overlap",
    "expand_runs",
    "fill_up",
    "map_rows",
    "pack_windows",
    "plan_windows",
    "read_piece_words",
    "split_pieces",
]
