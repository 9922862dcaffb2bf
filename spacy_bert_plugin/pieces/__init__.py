"""Text -> pieces -> windows -> packed arrays, and back to tokens. No torch, no spaCy."""

from .align import Alignment, align_tokens, expand_runs
from .cache import PieceCache
from .pack import PackedWindows, TokenRows, fill_up, map_rows, pack_windows
from .pair_layout import Layout, Side, lay_out_pair, lay_out_text
from .pair_pieces import PairPieces
from .stream import Segments, Stream, join_layouts
from .tokenizer import PieceTokenizer, TextPieces
from .types import FloatArray, IntArray
from .windows import (
    Windows,
    check_windows,
    choose_overlap,
    find_borders,
    plan_windows,
    split_pieces,
)
from .words import PieceWords, read_piece_words

__all__ = [
    "Alignment",
    "FloatArray",
    "IntArray",
    "Layout",
    "PackedWindows",
    "PairPieces",
    "PieceCache",
    "PieceTokenizer",
    "PieceWords",
    "Segments",
    "Side",
    "Stream",
    "TextPieces",
    "TokenRows",
    "Windows",
    "align_tokens",
    "check_windows",
    "choose_overlap",
    "expand_runs",
    "fill_up",
    "find_borders",
    "join_layouts",
    "lay_out_pair",
    "lay_out_text",
    "map_rows",
    "pack_windows",
    "plan_windows",
    "read_piece_words",
    "split_pieces",
]
