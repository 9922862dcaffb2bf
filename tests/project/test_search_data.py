"""What the workflow of search is trained and measured on."""

import make_search_data
import spacy
from make_search_data import NO, YES, make_pairs, measure

from spacy_bert_plugin.util.pairs import read_pair

TEXTS = ["Rome is in Italy.", "Paris is in France.", "Oslo is in Norway.", "Bern is old."]


def test_a_question_is_paired_with_its_text_and_one_that_was_found() -> None:
    asked = [("Where is Rome?", 0), ("Where is Oslo?", 2)]
    docs = list(make_pairs(spacy.blank("en"), TEXTS, asked, [[0, 1], [3, 2]], seed=0))
    sides = [read_pair(doc) for doc in docs]
    read = [(side.first.text, side.second.text) for side in sides if side is not None]
    assert read == [
        ("Where is Rome?", TEXTS[0]),
        ("Where is Rome?", TEXTS[1]),
        ("Where is Oslo?", TEXTS[2]),
        ("Where is Oslo?", TEXTS[3]),
    ]
    assert [doc.cats for doc in docs] == [{YES: 1.0, NO: 0.0}, {YES: 0.0, NO: 1.0}] * 2


def test_wrong_texts_are_drawn_from_all_that_are_read_again() -> None:
    n = make_search_data.N_NEAREST + 5
    texts = [f"text {number}" for number in range(n)]
    asked = [("which?", 0)] * 300
    docs = make_pairs(spacy.blank("en"), texts, asked, [list(range(n))] * 300, seed=1)
    wrong = {doc.text.split("text ")[1] for doc in docs if doc.cats[NO]}
    assert wrong == {str(number) for number in range(1, make_search_data.N_NEAREST + 1)}


def test_a_question_without_wrong_texts_is_a_pair_alone() -> None:
    docs = list(make_pairs(spacy.blank("en"), TEXTS[:1], [("where?", 0)], [[0]], seed=0))
    assert [doc.cats[YES] for doc in docs] == [1.0]


def test_places_are_measured_as_defined() -> None:
    found = measure([[4, 9], [9, 4], [1, 2]], [4, 4, 3])
    assert found == {
        "mrr": 0.5,
        "recall_1": 0.3333,
        "recall_5": 0.6667,
        "recall_20": 0.6667,
    }
