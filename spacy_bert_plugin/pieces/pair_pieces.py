"""The special pieces of two texts that are read together, as a tokenizer has them.

BERT       [CLS] a a [SEP] b b [SEP]         RoBERTa    <s> a a </s> </s> b b </s>
segments     0   0 0   0   1 1   1                       0  0 0   0    0  0 0   0
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

# A vocabulary of another script may have no piece for a letter, and none for unknown ones.
SAMPLES = ("a", "A", "1", ".", "中", "の", "ก", "и", "ا")
# Which pieces end a text in the family of RoBERTa, where two of them stand between texts.
DOUBLED = ("</s>",)


@dataclass(frozen=True)
class PairPieces:
    """What stands between two texts, and the segment of everything.

    middle_ids: Ids of the special pieces between the texts.
    first, second: Segments of the pieces of the texts.
    middle, suffix: Segments of the special pieces between the texts and after them. What stands
        before them is in segment 0.
    """

    middle_ids: tuple[int, ...]
    first: int
    second: int
    middle: tuple[int, ...]
    suffix: tuple[int, ...]


def find_pair_pieces(
    tokenizer: Tokenizer, prefix: Sequence[int], suffix: Sequence[int]
) -> PairPieces:
    """Ask the tokenizer's own post-processor how it joins two texts.

    One that does not say is answered with the layout of its family: what ends a text stands
    between two as well, twice where that is `</s>`.

    prefix, suffix (Sequence[int]): What stands before and after a single text.
    """
    for text in SAMPLES:
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        if plain:
            break
    whole = tokenizer.encode(text, text, add_special_tokens=True)
    ids, segments = whole.ids, whole.type_ids
    begin, end = len(prefix) + len(plain), len(ids) - len(suffix) - len(plain)
    expected = [*prefix, *plain, *ids[begin:end], *plain, *suffix]
    if plain and begin <= end and ids == expected and not any(segments[: len(prefix)]):
        after = end + len(plain)
        return PairPieces(
            tuple(ids[begin:end]),
            segments[begin - 1],
            segments[end],
            tuple(segments[begin:end]),
            tuple(segments[after:]),
        )
    names = [str(tokenizer.id_to_token(index)) for index in suffix]
    is_doubled = any(name.endswith(DOUBLED) for name in names)
    middle = tuple(suffix) * 2 if is_doubled else tuple(suffix)
    second = 0 if is_doubled else 1
    return PairPieces(middle, 0, second, (0,) * len(middle), (second,) * len(suffix))
