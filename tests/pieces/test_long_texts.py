"""A long text in parts gives the pieces of the whole."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from spacy_bert_plugin.errors import TextError
from spacy_bert_plugin.pieces import PieceTokenizer, long_texts, tokenizer
from spacy_bert_plugin.pieces.long_texts import can_be_cut, find_cuts
from tests.conftest import MAKERS

# Spaces and letters that are cut at, and what stands beside them in the world.
ALPHABET = "ab Z9 .'-\u00a0\u0301\u0130\u03a3\u4e2d\u200b\n\t\u1e9b\u0323\U0001f600"
SIZE = 5


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer, "PART_CHARS", SIZE)
    monkeypatch.setattr(tokenizer, "find_cuts", lambda text: find_cuts(text, size=SIZE))


def check_parts(pieces: PieceTokenizer, library: Tokenizer, text: str) -> None:
    (found,) = pieces.encode([text])
    expected = library.encode(text, add_special_tokens=False)
    assert found.ids.tolist() == expected.ids
    assert [tuple(offset) for offset in found.offsets.tolist()] == expected.offsets


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("maker", list(MAKERS))
def test_parts_are_the_whole(maker: str) -> None:
    text = MAKERS[maker]().to_str()
    pieces, library = PieceTokenizer.from_json(text), Tokenizer.from_str(text)

    @settings(max_examples=150, deadline=None)
    @given(st.text(ALPHABET, max_size=60) | st.text(max_size=60))
    def check(some: str) -> None:
        if any("\ud800" <= char <= "\udfff" for char in some):
            return
        check_parts(pieces, library, some)

    check()


def test_texts_between_others_keep_their_place(tokenizer_json: str, small_parts: None) -> None:
    pieces = PieceTokenizer.from_json(tokenizer_json)
    texts = ["one", "the word is playing in New York", "", "two words here", "b"]
    together = pieces.encode(texts)
    for text, found in zip(texts, together, strict=True):
        (alone,) = pieces.encode([text])
        assert np.array_equal(found.ids, alone.ids)
        assert np.array_equal(found.offsets, alone.offsets)


def test_what_no_text_can_be_is_named(tokenizer_json: str, small_parts: None) -> None:
    pieces = PieceTokenizer.from_json(tokenizer_json)
    with pytest.raises(TextError, match="1"):
        pieces.encode(["fine", "a long text with \ud800 in it"])
    with pytest.raises(TextError, match="int"):
        pieces.encode(["a long text that is cut", 5])  # type: ignore[list-item]


@given(st.text(ALPHABET, max_size=80), st.integers(1, 20))
def test_cuts_are_at_spaces(text: str, size: int) -> None:
    cuts = find_cuts(text, size=size)
    assert cuts[0] == 0
    assert cuts[-1] == len(text)
    assert all(text[cut] == " " for cut in cuts[1:-1])
    assert all(end - start >= size for start, end in pairwise(cuts[:-1]))


def test_a_part_is_not_much_longer_than_asked_for() -> None:
    text = "word " * 100_000
    longest = max(end - start for start, end in pairwise(find_cuts(text)))
    assert longest <= long_texts.PART_CHARS + 5


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"normalizer": None}, True),
        ({"normalizer": {"type": "Precompiled"}}, False),
        ({"pre_tokenizer": None}, False),
        ({"pre_tokenizer": {"type": "ByteLevel"}}, False),
        ({"added_tokens": [{"content": "New York", "special": False}]}, False),
        ({"added_tokens": [{"content": "[CLS]", "special": True}]}, True),
    ],
)
def test_only_what_ends_words_at_spaces_is_cut(
    tokenizer_json: str, changes: dict[str, Any], expected: bool
) -> None:
    assert can_be_cut({**json.loads(tokenizer_json), **changes}) is expected
