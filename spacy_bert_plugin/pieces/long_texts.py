"""Where a long text can be cut so that its parts give the pieces of the whole.

    ... came to the house. | Then ...        in front of a space between two plain letters or signs

The Rust tokenizer keeps some 700 bytes a word while it works, so a book is given to it in parts.
"""

import re
from typing import Any

# About 25,000 words, for which the tokenizer needs 17 MB.
PART_CHARS = 1 << 17
# What may stand around the space: ASCII alone, which no normalizer joins with what is beside it.
_CUT = re.compile(r"(?<=[!-~]) (?=[A-Za-z0-9])")
# These end a word at every space, and look at each word, or each character, by itself.
_PRE_TOKENIZERS = ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")
_NORMALIZERS = ("BertNormalizer", "Lowercase", "NFC", "NFD", "StripAccents")


def can_be_cut(data: dict[str, Any]) -> bool:
    """Whether a tokenizer reads a text in parts as it reads the whole.

    data (dict): Its tokenizer.json.
    """
    pre_tokenizer, normalizer = data.get("pre_tokenizer"), data.get("normalizer")
    return (
        (pre_tokenizer or {}).get("type") in _PRE_TOKENIZERS
        and (normalizer is None or normalizer.get("type") in _NORMALIZERS)
        # What was added may contain a space, or take one that is beside it.
        and all(token.get("special") for token in data.get("added_tokens", []))
    )


def find_cuts(text: str, *, size: int = PART_CHARS) -> list[int]:
    """Find where parts of at least `size` characters begin and the last one ends.

    RETURNS (list[int]): 0, places of spaces, and the length of the text.
    """
    cuts = [0]
    while found := _CUT.search(text, cuts[-1] + size):
        cuts.append(found.start())
    return [*cuts, len(text)]
