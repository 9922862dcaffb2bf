"""Which pieces are words by themselves, and how they read, for each kind of vocabulary."""

import json

import pytest

from spacy_bert_plugin.pieces import PieceTokenizer, PieceWords, read_piece_words
from tests.conftest import MAKERS


def make(kind: str, *, mask: bool = True) -> tuple[PieceTokenizer, PieceWords]:
    tokenizer = MAKERS[kind]()
    if mask and kind == "unigram":
        tokenizer.add_special_tokens(["<mask>"])
    pieces = PieceTokenizer.from_json(tokenizer.to_str())
    return pieces, read_piece_words(pieces)


def test_pieces_are_listed_by_id_under_their_usual_names(any_tokenizer_json: str) -> None:
    tokenizer = PieceTokenizer.from_json(any_tokenizer_json)
    pieces = tokenizer.list_pieces()
    assert len(pieces) == tokenizer.vocab_size
    assert [tokenizer.name_piece(i) for i in range(len(pieces))] == pieces
    assert tokenizer.special_ids >= {*tokenizer.prefix_ids, *tokenizer.suffix_ids}


@pytest.mark.parametrize("kind", MAKERS)
def test_the_mask_piece_can_be_written_into_a_text_but_not_typed(kind: str) -> None:
    tokenizer, _ = make(kind)
    name, key = tokenizer.mask_name, tokenizer.mask_key
    assert name in ("[MASK]", "<mask>")
    assert key is not None
    assert tokenizer.mask_id not in tokenizer.encode([f"a {name} b"])[0].ids
    ids = tokenizer.encode([f"a {key} b"])[0].ids.tolist()
    assert ids.count(tokenizer.mask_id) == 1


def test_a_vocabulary_without_a_mask_piece_has_no_name_of_it() -> None:
    tokenizer, _ = make("unigram", mask=False)
    assert (tokenizer.mask_name, tokenizer.mask_key) == (None, None)


def test_continued_and_special_pieces_of_wordpiece_are_no_words() -> None:
    _, words = make("wordpiece")
    allowed = [words.read(i) for i in words.after_space.nonzero()[0]]
    assert {"music", "a", "."} <= set(allowed)
    assert not any(word.startswith(("##", "[M")) for word in allowed)
    assert (words.find_allowed("x [MASK]", 2) == words.after_space).all()


def test_marked_vocabularies_tell_what_follows_white_space() -> None:
    tokenizer, words = make("byte-bpe")
    find = {name: index for index, name in enumerate(tokenizer.list_pieces())}
    assert words.read(find["Ġthe"]) == "the"
    assert words.find_allowed("in <mask>", 3)[find["Ġthe"]]
    assert not words.find_allowed("in <mask>", 3)[find["he"]]
    assert not words.after_space[find["Ġ"]]  # white space is no word
    glued = words.find_allowed("(<mask>", 1)
    assert (glued[find["he"]], glued[find["Ġthe"]]) == (True, False)
    assert words.find_allowed("<mask>", 0)[find["he"]]  # this one has no space at the start
    assert not any(glued[i] for i in tokenizer.special_ids)


def test_metaspace_marks_the_start_of_a_text_as_well() -> None:
    tokenizer, words = make("unigram")
    find = {name: index for index, name in enumerate(tokenizer.list_pieces())}
    assert words.read(find["▁word"]) == "word"
    start = words.find_allowed("<mask>", 0)
    assert (start[find["▁word"]], start[find["ing"]], start[find["▁"]]) == (True, False, False)


def test_pieces_that_are_missing_between_ids_are_no_words() -> None:
    data = json.loads(MAKERS["wordpiece"]().to_str())
    data["model"]["vocab"]["extra"] = 500
    words = read_piece_words(PieceTokenizer.from_json(json.dumps(data)))
    assert len(words.names) == 501
    assert words.after_space[500]
    assert not words.after_space[450]
