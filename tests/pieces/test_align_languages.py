"""Every token of every script has the pieces that lie over its characters, and no others."""

import functools

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_bert_plugin.pieces import PieceTokenizer
from tests.pieces.real_tokenizers import KINDS, check_alignment, train_tokenizer
from tests.pieces.text_samples import TEXTS, WORDS

VOCAB = Vocab()
ALL = [text for texts in TEXTS.values() for text in texts] + [
    "".join(words) for sentences in WORDS.values() for words in sentences
]
CHARACTERS = sorted({char for text in ALL for char in text} | set(" \t\n.,aZ09"))


@functools.cache
def get_tokenizer(kind: str) -> PieceTokenizer:
    return train_tokenizer(kind, ALL, n_pieces=900)


def make_doc(words: list[str]) -> Doc:
    return Doc(VOCAB, words=words, spaces=[False] * len(words))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", sorted(TEXTS))
def test_tokens_of_spacy(kind: str, lang: str) -> None:
    nlp = spacy.blank(lang if lang in ("de", "es", "zh", "ar", "hi") else "xx")
    docs = [nlp.make_doc(text) for text in TEXTS[lang]]
    assert check_alignment(get_tokenizer(kind), docs) == sum(map(len, docs))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", sorted(WORDS))
def test_words_split_by_hand(kind: str, lang: str) -> None:
    docs = [make_doc(words) for words in WORDS[lang]]
    assert check_alignment(get_tokenizer(kind), docs) == sum(map(len, docs))


@pytest.mark.parametrize("kind", KINDS)
def test_no_docs_and_empty_docs(kind: str) -> None:
    assert check_alignment(get_tokenizer(kind), []) == 0
    assert check_alignment(get_tokenizer(kind), [make_doc([]), make_doc(["a"])]) == 1


@pytest.mark.parametrize("kind", KINDS)
@given(st.lists(st.lists(st.text(CHARACTERS, min_size=1, max_size=6), max_size=6), max_size=3))
@settings(max_examples=60)
def test_any_words_of_these_characters(kind: str, sentences: list[list[str]]) -> None:
    docs = [make_doc(words) for words in sentences]
    assert check_alignment(get_tokenizer(kind), docs) == sum(map(len, docs))
