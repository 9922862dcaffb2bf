"""Docs of two texts, among others, as the stream that windows are cut from."""

from collections.abc import Sequence

from ..pieces import (
    Alignment,
    IntArray,
    Layout,
    PieceTokenizer,
    Side,
    Stream,
    TextPieces,
    find_borders,
    join_layouts,
    lay_out_pair,
    lay_out_text,
)
from ..util.pairs import Pair


def cut_texts(
    pairs: Sequence[Pair | None],
    pieces: Sequence[TextPieces],
    n_firsts: Sequence[int],
    alignment: Alignment,
    sentence_starts: Sequence[IntArray | None],
) -> list[list[Side]]:
    """Cut the pieces of Docs at the borders of their texts.

    pairs (Sequence): The texts of each Doc; None for a single one.
    n_firsts (Sequence[int]): How many pieces are of the first text, or the only one.
    RETURNS (list): One or two texts for each Doc.
    """
    found: list[list[Side]] = []
    piece = token = 0
    for number, pair in enumerate(pairs):
        end = token + int(alignment.doc_tokens[number])
        ids, sentences = pieces[number].ids, sentence_starts[number]
        if pair is None:
            borders = find_borders(alignment, slice(token, end), piece, sentences)
            found.append([Side(ids, *borders)])
        else:
            n_first, n_tokens = n_firsts[number], pair.first.end
            before, after = _split_starts(sentences, n_tokens)
            middle = token + n_tokens
            first = find_borders(alignment, slice(token, middle), piece, before)
            second = find_borders(alignment, slice(middle, end), piece + n_first, after)
            found.append([Side(ids[:n_first], *first), Side(ids[n_first:], *second)])
        piece, token = piece + len(ids), end
    return found


def lay_out_texts(
    texts: Sequence[Sequence[Side]], tokenizer: PieceTokenizer, *, max_pieces: int, overlap: int
) -> Stream:
    """Lay out Docs of one or two texts.

    max_pieces, overlap: As of `prepare_docs`.
    RAISES (SettingError): The windows leave no room for two texts.
    """
    capacity = max_pieces - tokenizer.n_special
    room = capacity - len(tokenizer.pair.middle_ids)
    n_suffix = len(tokenizer.suffix_ids)
    layouts: list[Layout] = []
    for sides in texts:
        if len(sides) == 2:
            first, second = sides
            layout = lay_out_pair(first, second, tokenizer.pair, room=room, overlap=overlap)
        else:
            layout = lay_out_text(sides[0], n_suffix, capacity=capacity, overlap=overlap)
        layouts.append(layout)
    return join_layouts(layouts)


def _split_starts(
    sentences: IntArray | None, border: int
) -> tuple[IntArray | None, IntArray | None]:
    """Split the first tokens of sentences into those of the two texts, each counted by itself."""
    if sentences is None:
        return None, None
    return sentences[sentences < border], sentences[sentences >= border] - border
