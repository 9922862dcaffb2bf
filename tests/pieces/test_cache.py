"""The cache of pieces: the same as without it, bounded, and nobody else's."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.errors import TextError
from spacy_bert_plugin.pieces import PieceCache, PieceTokenizer, TextPieces
from tests.conftest import make_wordpiece_tokenizer

TOKENIZER = PieceTokenizer.from_json(make_wordpiece_tokenizer().to_str())
TEXT = st.sampled_from(["", " ", "the house", "rain in paris", "paris", "xyz 123", "好"])


def flatten(pieces: list[TextPieces]) -> list[tuple[list[int], list[list[int]]]]:
    return [(text.ids.tolist(), text.offsets.tolist()) for text in pieces]


@given(st.lists(st.lists(TEXT, max_size=6), max_size=5), st.integers(0, 12))
def test_it_gives_what_the_tokenizer_gives(batches: list[list[str]], max_pieces: int) -> None:
    cache = PieceCache(max_pieces=max_pieces)
    for texts in batches:
        expected = TOKENIZER.encode(texts)
        assert flatten(cache.encode(TOKENIZER, texts)) == flatten(expected)
        assert sum(len(pieces) for pieces in cache._known.values()) <= max_pieces


def test_only_what_is_new_is_tokenised(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    encode = PieceTokenizer.encode

    def count(self: PieceTokenizer, texts: list[str]) -> list[TextPieces]:
        asked.append(list(texts))
        return encode(self, texts)

    monkeypatch.setattr(PieceTokenizer, "encode", count)
    cache = PieceCache()
    cache.encode(TOKENIZER, ["paris", "rain"])
    found = cache.encode(TOKENIZER, ["rain", "the house", "paris"])
    assert asked == [["paris", "rain"], ["the house"]]
    assert flatten(found) == flatten(encode(TOKENIZER, ["rain", "the house", "paris"]))
    assert cache.encode(TOKENIZER, []) == []
    assert len(asked) == 2


def test_it_starts_anew_when_it_is_full() -> None:
    cache = PieceCache(max_pieces=3)
    cache.encode(TOKENIZER, ["paris", "rain"])
    assert len(cache) == 2
    cache.encode(TOKENIZER, ["the house"])
    assert set(cache._known) == {"the house"}
    cache.encode(TOKENIZER, ["paris is good"])
    assert set(cache._known) == {"paris is good"}
    cache.encode(TOKENIZER, ["rain in paris tomorrow"])
    assert len(cache) == 0  # longer than all that it may hold


@pytest.mark.parametrize("text", ["\ud800", 3, None, b"paris"])
def test_errors_are_passed_on(text: object) -> None:
    cache = PieceCache()
    for _ in range(2):
        with pytest.raises(TextError):
            cache.encode(TOKENIZER, ["paris", text])  # type: ignore[list-item]
    assert flatten(cache.encode(TOKENIZER, ["paris"])) == flatten(TOKENIZER.encode(["paris"]))


def test_copies_are_empty() -> None:
    cache = PieceCache(max_pieces=50)
    cache.encode(TOKENIZER, ["paris"])
    copied = copy.deepcopy(cache)
    assert (len(copied), copied.max_pieces) == (0, 50)
    assert len(copy.copy(cache)) == 0
    assert len(cache) == 1


def test_threads_may_share_it() -> None:
    cache = PieceCache(max_pieces=20)
    texts = [f"rain in paris {number}" for number in range(30)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: flatten(cache.encode(TOKENIZER, [text, "rain"])), texts))
    assert found == [flatten(TOKENIZER.encode([text, "rain"])) for text in texts]
