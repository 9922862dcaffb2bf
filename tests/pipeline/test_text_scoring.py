"""Scores with a threshold for each label."""

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.training import Example

from spacy_bert_plugin.pipeline.text_scoring import scale_score, score_texts

SHARES = st.floats(0.0, 1.0)


@given(SHARES, SHARES, st.floats(0.001, 0.999))
def test_scaling_keeps_order_and_moves_the_threshold(a: float, b: float, cut: float) -> None:
    one, other = scale_score(a, threshold=cut), scale_score(b, threshold=cut)
    assert 0.0 <= one <= 1.0
    assert (one >= 0.5) == (a >= cut)
    if a < b:
        assert one <= other


@given(SHARES)
def test_annotation_stays_what_it_is(cut: float) -> None:
    assert scale_score(0.0, threshold=cut) == 0.0
    assert scale_score(1.0, threshold=cut) == 1.0


def make_example(scores: dict[str, float], gold: dict[str, float]) -> Example:
    example = Example.from_dict(spacy.blank("en").make_doc("play"), {"cats": gold})
    example.predicted.cats = scores
    return example


def test_each_label_has_its_threshold() -> None:
    examples = [
        make_example({"A": 0.3, "B": 0.6}, {"A": 1.0, "B": 0.0}),
        make_example({"A": 0.1, "B": 0.9}, {"A": 0.0, "B": 1.0}),
    ]
    settings = {"labels": ("A", "B"), "exclusive": False, "positive_label": None}
    tuned = score_texts(examples, thresholds={"A": 0.2, "B": 0.7}, **settings)
    assert tuned["cats_macro_f"] == 1.0
    plain = score_texts(examples, thresholds={"A": 0.5, "B": 0.5}, **settings)
    assert plain["cats_macro_f"] == pytest.approx((0.0 + 2 / 3) / 2)
    given_one = score_texts(examples, thresholds={}, threshold=0.2, **settings)
    assert given_one["cats_macro_f"] == pytest.approx((1.0 + 2 / 3) / 2)
    assert tuned["cats_macro_auc"] == plain["cats_macro_auc"] == 1.0


def test_nothing_to_score() -> None:
    for exclusive in (True, False):
        scores = score_texts([], labels=(), exclusive=exclusive, positive_label=None, thresholds={})
        assert scores["cats_micro_f"] == 0.0
