"""Tokenizers whose vocab.txt or merges.txt is not what a file of that name holds elsewhere."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..errors import CheckpointError, Errors
from .files import CheckpointFiles
from .json_text import parse_json

SETTINGS_FILES = ("tokenizer_config.json", "config.json")
_MAX_SETTINGS = 16 * 1024 * 1024
_ENDS_OF_WORDS = "it marks the ends of words, where byte-level BPE marks their beginnings"
# Class in tokenizer_config.json, without "Tokenizer" and "Fast" -> what is different.
PYTHON_ONLY: Mapping[str, str] = MappingProxyType(
    {
        "BertJapanese": "it splits text into words with a Japanese dictionary first",
        "Bertweet": "it rewrites tweets first, and its vocab.txt is no WordPiece",
        "BioGpt": _ENDS_OF_WORDS,
        "CTRL": _ENDS_OF_WORDS,
        "CpmAnt": "it splits text into words with a Chinese dictionary first",
        "Esm": "it reads proteins, letter by letter",
        "FSMT": _ENDS_OF_WORDS,
        "Flaubert": _ENDS_OF_WORDS,
        "GPTNeoXJapanese": "its vocab.txt is no WordPiece",
        "Phobert": "its text has to be split into Vietnamese words first",
        "RoCBert": "it needs files of shapes and sounds beside vocab.txt",
        "RoFormer": "it splits text into words with a Chinese dictionary first",
        "XLM": _ENDS_OF_WORDS,
        "Canine": "it reads characters and has no pieces",
        "Perceiver": "it reads bytes and has no pieces",
        "ByT5": "it reads bytes and has no pieces",
    }
)


def check_class(files: CheckpointFiles) -> None:
    """Refuse a tokenizer that only code in Python could compute.

    files (CheckpointFiles): A checkpoint without tokenizer.json.
    RAISES (CheckpointError): Its settings name a class of `PYTHON_ONLY`, or code of its own.
    """
    for name in SETTINGS_FILES:
        if name not in files:
            continue
        source = files.where(name)
        data = parse_json(files.read_text(name, limit=_MAX_SETTINGS), source=source)
        found = data.get("tokenizer_class")
        kind = found if isinstance(found, str) else ""
        reason = PYTHON_ONLY.get(kind.removesuffix("Fast").removesuffix("Tokenizer"))
        if _has_own_code(data):
            kind, reason = kind or "of its own", "it is code that comes with the checkpoint"
        if reason is not None:
            raise CheckpointError(Errors.SB346.format(source=source, got=kind[:80], reason=reason))


def check_byte_level(vocab: Mapping[str, int], *, source: str) -> None:
    """Refuse pieces that are not those of byte-level BPE.

    vocab (Mapping[str, int]): Pieces and ids of vocab.json.
    source (str): The folder, for messages.
    RAISES (CheckpointError): Pieces have marks of other kinds of BPE.
    """
    if any(piece.endswith("</w>") for piece in vocab):
        raise CheckpointError(Errors.SB347.format(source=source, reason=_ENDS_OF_WORDS))


def _has_own_code(data: Mapping[str, Any]) -> bool:
    own = data.get("auto_map")
    return isinstance(own, dict) and bool(own.get("AutoTokenizer"))
