"""What a tokenizer puts around a text and between two texts.

    [CLS] a b [SEP] c d [SEP]        prefix [CLS]   middle [SEP]         suffix [SEP]
    <s> a b </s> </s> c d </s>       prefix <s>     middle </s> </s>     suffix </s>

The first form with its segment ids is figure 2 of Devlin et al., https://arxiv.org/abs/1810.04805
"""

from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from ..errors import Errors, SettingError
from ..pieces import IntArray, PieceTokenizer

MASKS = ("[MASK]", "<mask>")
OTHERS = ("[PAD]", "<pad>", "[UNK]", "<unk>")
MIN_TEXT = 4


@dataclass(frozen=True)
class Frame:
    """Special pieces, and what masking needs to know of a vocabulary.

    prefix, middle, suffix: Ids before, between and after texts.
    mask_id: The piece that hides others.
    ordinary: Ids that may be guessed, and drawn at random: all but special ones.
        Shape: (n_ordinary,), int64
    is_ordinary, is_start: For each id, whether it is one of these, and whether it begins a word.
        Shape: (vocab_size,), bool
    """

    prefix: tuple[int, ...]
    middle: tuple[int, ...]
    suffix: tuple[int, ...]
    mask_id: int
    ordinary: IntArray
    is_ordinary: np.ndarray
    is_start: np.ndarray

    @property
    def n_special(self) -> int:
        """Special pieces of a window with one text."""
        return len(self.prefix) + len(self.suffix)

    @property
    def n_pair_special(self) -> int:
        """Special pieces of a window with two texts."""
        return self.n_special + len(self.middle)

    def check_size(self, max_pieces: int, *, limit: int) -> None:
        """Check that windows of a size can be made.

        max_pieces: Of the longest window.
        limit: What the encoder takes.
        RAISES (SettingError): They are too long, or have no room for text.
        """
        low = self.n_pair_special + MIN_TEXT
        if not low <= max_pieces <= limit:
            raise SettingError(Errors.SB809.format(got=max_pieces, low=low, high=limit))


def make_frame(tokenizer: PieceTokenizer) -> Frame:
    """Read the special pieces of a tokenizer.

    tokenizer: With a mask piece.
    RAISES (SettingError): It has none.
    """
    mask_id = next((i for name in MASKS if (i := tokenizer.find_id(name)) is not None), None)
    if mask_id is None:
        raise SettingError(Errors.SB808)
    names = [tokenizer.name_piece(index) for index in range(tokenizer.vocab_size)]
    middle = _find_middle(tokenizer)
    special = {mask_id, *tokenizer.prefix_ids, *middle, *tokenizer.suffix_ids}
    special |= {index for index, name in enumerate(names) if not name or name in OTHERS}
    special |= {index for index, name in enumerate(names) if name.startswith("[unused")}
    is_ordinary = np.ones(len(names), dtype=bool)
    is_ordinary[list(special)] = False
    return Frame(
        tokenizer.prefix_ids,
        middle,
        tokenizer.suffix_ids,
        mask_id,
        np.flatnonzero(is_ordinary).astype(np.int64),
        is_ordinary,
        _find_starts(names),
    )


def _find_middle(tokenizer: PieceTokenizer) -> tuple[int, ...]:
    """What the tokenizer's own post-processor puts between two texts."""
    rust = Tokenizer.from_str(tokenizer.json)
    rust.no_padding()
    rust.no_truncation()
    plain = rust.encode("a", add_special_tokens=False).ids
    whole = rust.encode("a", "a", add_special_tokens=True).ids
    begin = len(tokenizer.prefix_ids) + len(plain)
    end = len(whole) - len(plain) - len(tokenizer.suffix_ids)
    middle = tuple(whole[begin:end])
    is_whole = whole[len(tokenizer.prefix_ids) : begin] == plain
    is_whole = is_whole and whole[end : end + len(plain)] == plain
    # Without a template for pairs: as in BERT.
    return middle if middle and is_whole else tokenizer.suffix_ids


def _find_starts(names: list[str]) -> np.ndarray:
    """Which pieces begin a word, by how the three kinds of vocabularies mark them."""
    marks = [mark for mark in ("Ġ", "▁") if any(name.startswith(mark) for name in names)]
    if not marks:  # WordPiece marks what goes on
        return np.array([not name.startswith("##") for name in names])
    return np.array(
        [name.startswith(marks[0]) or (name.isascii() and not name[:1].isalnum()) for name in names]
    )
