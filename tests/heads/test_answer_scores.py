"""Exact match and F1, on answers that the evaluations of SQuAD and CMRC would score so."""

import pytest

from spacy_bert_plugin.heads.answer_scores import (
    METHODS,
    character_f1,
    match_characters,
    match_exactly,
    normalize_answer,
    score_answer,
    split_characters,
    word_f1,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Eiffel Tower!", "eiffel tower"),
        ("an  apple, a pear\tand the plum", "apple pear and plum"),
        ("theory of a then-known U.S. state", "theory of thenknown us state"),
        ("$1.5 (million)", "15 million"),
        ("«Zürich»", "«zürich»"),  # only ASCII punctuation goes
        ("The", ""),
        ("", ""),
    ],
)
def test_answers_are_normalized(text: str, expected: str) -> None:
    assert normalize_answer(text) == expected


@pytest.mark.parametrize(
    ("answer", "gold", "em", "f1"),
    [
        ("Denver Broncos", "the Denver Broncos.", 1.0, 1.0),
        # 2 of 3 words, and 2 of 2: 2 * (2/3 * 1) / (2/3 + 1)
        ("Santa Clara, California", "Santa Clara", 0.0, 0.8),
        ("Levi's Stadium", "Levi's Stadium in the San Francisco Bay Area", 0.0, 2 * 2 / (2 + 7)),
        # words count as often as they stand in both
        ("gold gold gold", "gold gold", 0.0, 2 * 2 / (3 + 2)),
        ("Paris", "London", 0.0, 0.0),
        ("", "London", 0.0, 0.0),
        ("Paris", "", 0.0, 0.0),
        ("", "", 1.0, 1.0),
        ("the", "", 1.0, 1.0),
    ],
)
def test_words_are_scored(answer: str, gold: str, em: float, f1: float) -> None:
    assert match_exactly(answer, gold) == em
    assert word_f1(answer, gold) == pytest.approx(f1)
    assert word_f1(gold, answer) == pytest.approx(f1)


def test_the_best_of_several_right_answers_counts() -> None:
    gold = ["Santa Clara, California", "Levi's Stadium", "Santa Clara"]
    assert score_answer("santa clara", gold) == (1.0, 1.0)
    # exact match and F1 may come from different ones
    em, f1 = score_answer("Levi's Stadium, Santa Clara", gold)
    assert (em, f1) == (0.0, pytest.approx(2 * 2 / (4 + 2)))


def test_without_an_answer_only_none_is_right() -> None:
    assert score_answer("", []) == (1.0, 1.0)
    assert score_answer("Paris", []) == (0.0, 0.0)
    # as in the evaluation of SQuAD 2.0, gold that is nothing but articles is none
    assert score_answer("", ["the", "A."]) == (1.0, 1.0)
    assert score_answer("", ["the", "Rhine"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("answer", "gold", "em", "f1"),
    [
        ("光荣和ω-force", "光荣和ω-force", 1.0, 1.0),
        ("《村雨城》", "村雨城", 1.0, 1.0),
        # the longest common run has 3 of 3 and of 10 characters
        ("村雨城", "任天堂游戏谜之村雨城", 0.0, 2 * 3 / (3 + 10)),
        # two shared runs: only the longer one counts
        ("北京上海广州", "北京天津广州市", 0.0, 2 * 2 / (6 + 7)),
        ("ABC公司", "abc 公司", 0.0, 1.0),
        ("东京", "大阪", 0.0, 0.0),
        ("", "大阪", 0.0, 0.0),
        ("", "", 1.0, 1.0),
    ],
)
def test_characters_are_scored(answer: str, gold: str, em: float, f1: float) -> None:
    assert match_characters(answer, gold) == em
    assert character_f1(answer, gold) == pytest.approx(f1)
    assert score_answer(answer, [gold] if gold else [], method="cmrc") == (em, pytest.approx(f1))


def test_chinese_is_cut_into_characters_and_words() -> None:
    assert split_characters("2018年，iPhone X 发布") == ["2018", "年", "iphone", "x", "发", "布"]
    assert split_characters("，。") == []


def test_methods_score_nothing_as_nothing() -> None:
    for match, f1 in METHODS.values():
        assert match("", "") == f1("", "") == 1.0
