from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.training.formats.split import split_words_at
from spacy_bert_plugin.training.formats.words import align_words, join_words

WORDS = st.lists(st.text(alphabet="abc.东", min_size=1, max_size=4), min_size=1, max_size=6)


@given(WORDS, st.data())
def test_spaces_are_found_again(words: list[str], data: st.DataObject) -> None:
    n = len(words)
    spaces = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    text, offsets = join_words(words, spaces)
    assert [text[a:b] for a, b in offsets] == words
    assert align_words(words, text) == tuple(spaces)


def test_unknown_spaces_are_single() -> None:
    assert join_words(["a", "bc"], None) == ("a bc", [(0, 1), (2, 4)])
    assert join_words([], None) == ("", [])


def test_any_white_space_counts_as_one_space() -> None:
    assert align_words(["a", "b"], "  a \t\u3000 b\n") == (True, True)


def test_other_words_do_not_align() -> None:
    assert align_words(["a", "b"], "a c") is None
    assert align_words(["a"], "a c") is None
    assert align_words([], "") == ()


@given(WORDS, st.data())
def test_cut_words_spell_the_same_text(words: list[str], data: st.DataObject) -> None:
    spaces = [i % 2 == 0 for i in range(len(words))]
    text, _ = join_words(words, spaces)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=5)))
    new_words, new_spaces = split_words_at(words, spaces, cuts)
    new_text, offsets = join_words(new_words, new_spaces)
    assert new_text == text
    borders = {end for pair in offsets for end in pair}
    inside = {c for c in cuts if c < len(text) and text[c - 1 : c] != " " and text[c] != " "}
    assert inside <= borders
    assert all(new_words)
