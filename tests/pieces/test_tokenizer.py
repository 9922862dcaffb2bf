"""Text to pieces: special names are plain text, settings never change, errors name the text."""

import copy
import json
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, processors

from spacy_bert_plugin.errors import CheckpointError, TextError
from spacy_bert_plugin.pieces import PieceTokenizer
from tests.conftest import MAKERS

SPECIAL_TEXTS = ["[CLS]", "[SEP] x", "a[MASK]b", "[PAD][PAD]", "[UNK]", "<s>", "</s> a", "<mask>"]


def test_no_texts_give_no_pieces(tokenizer_json: str) -> None:
    assert PieceTokenizer.from_json(tokenizer_json).encode([]) == []


def test_empty_text_has_no_pieces(any_tokenizer_json: str) -> None:
    (pieces,) = PieceTokenizer.from_json(any_tokenizer_json).encode([""])
    assert pieces.ids.shape == (0,)
    assert pieces.offsets.shape == (0, 2)


def test_ids_and_offsets_are_those_of_the_library(any_tokenizer_json: str) -> None:
    text = "the word is playing in New York"
    (pieces,) = PieceTokenizer.from_json(any_tokenizer_json).encode([text])
    expected = Tokenizer.from_str(any_tokenizer_json).encode(text, add_special_tokens=False)
    assert pieces.ids.tolist() == expected.ids
    assert [tuple(o) for o in pieces.offsets.tolist()] == expected.offsets


@pytest.mark.parametrize("text", SPECIAL_TEXTS)
def test_special_pieces_typed_by_a_user_are_plain_text(any_tokenizer_json: str, text: str) -> None:
    tokenizer = PieceTokenizer.from_json(any_tokenizer_json)
    special = {*tokenizer.prefix_ids, *tokenizer.suffix_ids, tokenizer.pad_id}
    special |= {i for n in ("[MASK]", "<mask>") if (i := tokenizer.find_id(n)) is not None}
    (pieces,) = tokenizer.encode([text])
    assert len(pieces) > 0
    assert not special & set(pieces.ids.tolist())


def test_special_ids_are_found(any_tokenizer_json: str) -> None:
    tokenizer = PieceTokenizer.from_json(any_tokenizer_json)
    whole = Tokenizer.from_str(any_tokenizer_json).encode("in", add_special_tokens=True).ids
    assert whole[0] == tokenizer.prefix_ids[0]
    assert whole[-1] == tokenizer.suffix_ids[0]
    assert tokenizer.n_special == 2
    assert tokenizer.unk_id is not None


@pytest.mark.parametrize(("alphabet", "expected"), [("中文", ((1,), (2,))), ("α", ((0,), (2,)))])
def test_special_ids_of_a_vocabulary_without_latin_letters(
    alphabet: str, expected: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    vocab = {"<s>": 0, "<cls>": 1, "</s>": 2}
    vocab.update((char, index) for index, char in enumerate(alphabet, start=3))
    tokenizer = Tokenizer(models.BPE(vocab, []))
    tokenizer.add_special_tokens(["<s>", "<cls>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<cls> $A </s>", special_tokens=[("<cls>", 1), ("</s>", 2)]
    )
    found = PieceTokenizer.from_json(tokenizer.to_str())
    # Where no sample has a piece, the usual names are taken.
    assert (found.prefix_ids, found.suffix_ids) == expected


def test_stored_padding_and_truncation_are_switched_off(tokenizer_json: str) -> None:
    other = Tokenizer.from_str(tokenizer_json)
    other.enable_padding(length=16)
    other.enable_truncation(4)
    (pieces,) = PieceTokenizer.from_json(other.to_str()).encode(["the house in the street of rain"])
    assert len(pieces) == 7


def test_names_of_pieces_are_the_usual_ones(tokenizer_json: str) -> None:
    tokenizer = PieceTokenizer.from_json(tokenizer_json)
    assert tokenizer.name_piece(tokenizer.prefix_ids[0]) == "[CLS]"
    assert tokenizer.find_id("house") == tokenizer.encode(["house"])[0].ids[0]
    assert tokenizer.name_piece(10**6) == ""


def test_lone_surrogate_is_an_error_that_names_its_place(tokenizer_json: str) -> None:
    with pytest.raises(TextError, match=r"Text 1 .* character 3"):
        PieceTokenizer.from_json(tokenizer_json).encode(["fine", "bad\ud800"])


@pytest.mark.parametrize("value", [None, 3, float("nan"), ["a"], b"x"])
def test_what_is_no_text_is_an_error_that_names_its_type(
    tokenizer_json: str, value: object
) -> None:
    with pytest.raises(TextError, match=f"index 1, but got {type(value).__name__}"):
        PieceTokenizer.from_json(tokenizer_json).encode(["fine", value])  # type: ignore[list-item]


@pytest.mark.parametrize("text", ["", "{}", "no json", '{"model": {"type": "X"}}', "[]"])
def test_what_is_no_tokenizer_is_an_error(text: str) -> None:
    with pytest.raises(CheckpointError, match=r"SB|tokenizer\.json"):
        PieceTokenizer.from_json(text)


def test_vocabulary_without_special_pieces_is_an_error(tokenizer_json: str) -> None:
    data = json.loads(tokenizer_json)
    data["added_tokens"], data["post_processor"] = [], None
    vocab = data["model"]["vocab"]
    data["model"]["vocab"] = {k: v for k, v in vocab.items() if k not in ("[CLS]", "[SEP]")}
    with pytest.raises(CheckpointError, match="special pieces"):
        PieceTokenizer.from_json(json.dumps(data))


def test_added_words_keep_their_ids() -> None:
    other = MAKERS["wordpiece"]()
    other.add_tokens(["covid-19"])
    other.add_special_tokens(["<extra>"])
    other.add_tokens(["zebra"])
    tokenizer = PieceTokenizer.from_json(other.to_str())
    (pieces,) = tokenizer.encode(["covid-19 zebra"])
    assert pieces.ids.tolist() == [other.token_to_id("covid-19"), other.token_to_id("zebra")]
    assert tokenizer.vocab_size == other.get_vocab_size()


def test_copies_share_the_tokenizer_and_give_the_same(tokenizer_json: str) -> None:
    tokenizer = PieceTokenizer.from_json(tokenizer_json)
    assert copy.deepcopy(tokenizer) is tokenizer
    function, args = tokenizer.__reduce__()
    assert function(*args).encode(["the house"])[0].ids.tolist() == (
        tokenizer.encode(["the house"])[0].ids.tolist()
    )


def test_threads_share_one_tokenizer(tokenizer_json: str) -> None:
    tokenizer = PieceTokenizer.from_json(tokenizer_json)
    texts = ["the house in paris " * n for n in range(20)]
    expected = [p.ids.tolist() for p in tokenizer.encode(texts)]
    found: list[bool] = []

    def work() -> None:
        found.extend(
            [p.ids.tolist() for p in tokenizer.encode(texts)] == expected for _ in range(5)
        )

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 40


@pytest.mark.parametrize("kind", list(MAKERS))
@given(text=st.text())
@settings(max_examples=60, deadline=None)
def test_any_text_gives_offsets_within_it(kind: str, text: str) -> None:
    tokenizer = _KINDS.setdefault(kind, PieceTokenizer.from_json(MAKERS[kind]().to_str()))
    try:
        (pieces,) = tokenizer.encode([text])
    except TextError:
        assert any("\ud800" <= char <= "\udfff" for char in text)
        return
    assert pieces.ids.dtype == np.int64
    assert np.all(pieces.offsets >= 0)
    assert np.all(pieces.offsets <= len(text))
    assert np.all(pieces.offsets[:, 0] <= pieces.offsets[:, 1])


_KINDS: dict[str, PieceTokenizer] = {}
