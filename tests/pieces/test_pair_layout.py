"""Two texts as one stream: every piece once, in windows that fit, as the tokenizer joins them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.pieces import (
    PairPieces,
    PieceTokenizer,
    Side,
    align_tokens,
    join_layouts,
    lay_out_pair,
    lay_out_text,
    map_rows,
    pack_windows,
)
from tests.conftest import MAKERS, make_byte_bpe_tokenizer, make_wordpiece_tokenizer

BERT = PairPieces((-3,), 0, 1, (0,), (1,))
NONE = np.zeros(0, dtype=np.int64)


def make_side(n_pieces: int, start: int = 0, *, step: int = 1) -> Side:
    """A text whose pieces are numbers, with tokens of `step` pieces."""
    return Side(np.arange(start, start + n_pieces), np.arange(0, n_pieces, step), NONE)


def test_worked_example_of_a_pair_that_fits() -> None:
    layout = lay_out_pair(make_side(3), make_side(2, 10), BERT, room=8, overlap=2)
    assert layout.ids.tolist() == [0, 1, 2, -3, 10, 11]
    assert layout.segments.tolist() == [0, 0, 0, 0, 1, 1]
    assert layout.windows.tolist() == [[0, 6, 0, 6]]
    assert layout.places is not None
    assert layout.places.tolist() == [0, 1, 2, 4, 5]


def test_worked_example_of_a_longer_one() -> None:
    question, text = make_side(2), make_side(8, 10)
    layout = lay_out_pair(question, text, BERT, room=8, overlap=2)
    first, second = [10, 11, 12, 13, 14, 15], [14, 15, 16, 17]
    assert layout.ids.tolist() == [0, 1, -3, *first, 0, 1, -3, *second]
    assert layout.places is not None
    # The question from the first window; the text where it has most context.
    assert layout.places.tolist() == [0, 1, 3, 4, 5, 6, 7, 13, 14, 15]
    turned = lay_out_pair(text, question, BERT, room=8, overlap=2)
    assert turned.ids.tolist() == [*first, -3, 0, 1, *second, -3, 0, 1]
    assert turned.places is not None
    # ... and from the last one where it comes last.
    assert turned.places.tolist() == [0, 1, 2, 3, 4, 10, 11, 12, 14, 15]


@given(
    sizes=st.tuples(st.integers(0, 90), st.integers(0, 90)),
    room=st.integers(4, 40),
    overlap=st.integers(0, 9),
    step=st.integers(1, 3),
)
def test_every_piece_is_kept_once_from_a_window_that_shows_it(
    sizes: tuple[int, int], room: int, overlap: int, step: int
) -> None:
    first, second = make_side(sizes[0], step=step), make_side(sizes[1], 1000, step=step)
    layout = lay_out_pair(first, second, BERT, room=room, overlap=overlap)
    starts, ends, keep_starts, keep_ends = layout.windows.T
    assert layout.places is not None
    assert layout.ids[layout.places].tolist() == [*first.ids.tolist(), *second.ids.tolist()]
    assert len(layout.windows) == 0 if sum(sizes) == 0 else len(layout.windows) > 0
    assert np.all(ends - starts <= room + 1)
    assert keep_starts.tolist() == [0, *keep_ends.tolist()][: len(starts)]
    assert keep_ends.tolist()[-1:] == ([len(layout.ids)] if sum(sizes) else [])
    for start, end in zip(starts, ends, strict=True):
        check_window(layout.ids[start:end], layout.segments[start:end], sizes, room)


def check_window(ids: np.ndarray, segments: np.ndarray, sizes: tuple[int, int], room: int) -> None:
    """Both texts around one middle piece; the shorter one whole unless it is very long."""
    (border,) = np.flatnonzero(ids == -3)
    parts = ids[:border], ids[border + 1 :]
    assert segments.tolist() == [0] * (border + 1) + [1] * len(parts[1])
    assert all(np.all(np.diff(part) == 1) for part in parts)
    shorter = min(sizes)
    if shorter <= room // 2:
        assert len(parts[sizes.index(shorter)]) == shorter
    else:
        assert all(len(part) for part in parts)


@given(st.integers(30, 300), st.integers(30, 300))
def test_windows_of_two_long_texts_are_few(n_first: int, n_second: int) -> None:
    layout = lay_out_pair(make_side(n_first), make_side(n_second), BERT, room=20, overlap=2)
    assert len(layout.windows) <= max(n_first, n_second) / (10 - 2 - 1) + 1


def test_no_room_is_an_error() -> None:
    with pytest.raises(SettingError, match="larger max_pieces"):
        lay_out_pair(make_side(1), make_side(1), BERT, room=3, overlap=0)


def test_windows_of_a_mixed_batch_carry_segments() -> None:
    pair = lay_out_pair(make_side(2), make_side(1, 10), BERT, room=8, overlap=0)
    text = lay_out_text(make_side(2, 20), 1, capacity=9, overlap=0)
    empty = lay_out_text(make_side(0), 1, capacity=9, overlap=0)
    stream = join_layouts([text, empty, pair])
    assert stream.windows.docs.tolist() == [0, 2]
    chosen = np.array([1, 0])
    packed = pack_windows(
        stream.ids, stream.windows, chosen, prefix=[-1], suffix=[-2], segments=stream.segments
    )
    assert packed.ids.tolist() == [-1, 0, 1, -3, 10, -2, -1, 20, 21, -2]
    assert packed.segments is not None
    assert packed.segments.tolist() == [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]


def test_tokens_find_their_pieces_behind_the_middle() -> None:
    tokenizer = PieceTokenizer.from_json(make_wordpiece_tokenizer().to_str())
    pieces = tokenizer.encode(["the xy xy the"])
    starts, ends = np.array([0, 4, 7, 10]), np.array([3, 6, 9, 13])
    alignment = align_tokens(pieces, [starts], [ends])
    assert alignment.counts.tolist() == [1, 2, 2, 1]
    ids = pieces[0].ids
    layout = lay_out_pair(
        Side(ids[:3], np.array([0, 1]), NONE), Side(ids[3:], np.array([0, 2]), NONE), BERT,
        room=9, overlap=0,
    )  # fmt: skip
    stream = join_layouts([layout])
    placed = type(alignment)(*list(vars(alignment).values())[:4], stream.places)
    (rows,) = map_rows(placed, stream.windows, [np.array([0])], n_prefix=1, n_special=2)
    assert rows.rows.tolist() == [1, 2, 3, 5, 6, 7]
    assert rows.firsts.tolist() == [1, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("kind", list(MAKERS))
def test_a_pair_is_joined_as_the_tokenizer_joins_it(kind: str) -> None:
    plain: Tokenizer = MAKERS[kind]()
    tokenizer = PieceTokenizer.from_json(plain.to_str())
    first, second = tokenizer.encode(["the word", "in a window"])
    sides = tuple(Side(text.ids, NONE, NONE) for text in (first, second))  # type: ignore[assignment]
    layout = lay_out_pair(*sides, tokenizer.pair, room=99, overlap=0)
    ids = [*tokenizer.prefix_ids, *layout.ids.tolist(), *tokenizer.suffix_ids]
    segments = [0, *layout.segments.tolist(), *layout.suffix.tolist()]
    if kind == "unigram":  # whose post-processor does not say: as its family does
        assert tokenizer.pair == PairPieces((2, 2), 0, 0, (0, 0), (0,))
        return
    expected = plain.encode("the word", "in a window")
    assert ids == expected.ids
    assert segments == expected.type_ids


def test_layouts_of_the_two_families() -> None:
    bert = PieceTokenizer.from_json(make_wordpiece_tokenizer().to_str())
    assert bert.pair == PairPieces(bert.suffix_ids, 0, 1, (0,), (1,))
    roberta = PieceTokenizer.from_json(make_byte_bpe_tokenizer().to_str())
    assert roberta.pair == PairPieces((2, 2), 0, 0, (0, 0), (0,))
