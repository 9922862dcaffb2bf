"""What the quality benchmark counts."""

import numpy as np
import pytest
import scores
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.training import Example


def make_example(gold: list[tuple[int, int, str]], guess: list[tuple[int, int, str]]) -> Example:
    vocab = spacy.blank("en").vocab
    docs = []
    for spans in (guess, gold):
        doc = Doc(vocab, words=["a", "b", "c", "d", "e"])
        doc.set_ents([Span(doc, start, end, label=label) for start, end, label in spans])
        docs.append(doc)
    return Example(*docs)


@pytest.mark.parametrize(
    ("confidences", "is_right", "expected"),
    [
        ([], [], 0.0),
        ([1.0, 1.0], [True, True], 0.0),
        ([1.0, 1.0], [True, False], 0.5),
        ([0.0], [True], 1.0),
        # Two bins: 0.9 is right half of the time (0.4 off), 0.1 never (0.1 off).
        ([0.9, 0.9, 0.1, 0.1], [True, False, False, False], 0.25),
    ],
)
def test_calibration_error(confidences: list[float], is_right: list[bool], expected: float) -> None:
    assert scores.calibration_error(confidences, is_right) == pytest.approx(expected)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30))
def test_calibration_error_is_a_share(pairs: list[tuple[float, bool]]) -> None:
    error = scores.calibration_error([c for c, _ in pairs], [r for _, r in pairs])
    assert 0.0 <= error <= 1.0


def test_f_scores_of_each_label() -> None:
    gold = np.array([[1, 0, 0], [1, 1, 0]], dtype=bool)
    guesses = np.array([[1, 1, 0], [0, 1, 0]], dtype=bool)
    assert scores.f_scores(gold, guesses).tolist() == pytest.approx([2 / 3, 2 / 3, 0.0])


def test_thresholds_are_tuned_label_by_label() -> None:
    gold = np.array([[1, 1], [1, 0], [0, 0]], dtype=bool)
    values = np.array([[0.3, 0.9], [0.2, 0.6], [0.1, 0.1]])
    thresholds = scores.tune_thresholds(gold, values)
    assert 0.1 < thresholds[0] <= 0.2
    assert 0.6 < thresholds[1] <= 0.9
    assert scores.macro_f(gold, values, thresholds) == 1.0
    assert scores.macro_f(gold, values, np.full(2, 0.5)) == pytest.approx((0 + 2 / 3) / 2)


def test_tuning_without_texts_gives_a_threshold() -> None:
    nothing = np.zeros((0, 2))
    assert scores.tune_thresholds(nothing.astype(bool), nothing).shape == (2,)


def test_entities_with_their_confidence() -> None:
    Span.set_extension("confidence", default=None, force=True)
    try:
        example = make_example([(0, 2, "X"), (3, 4, "Y")], [(0, 2, "X"), (3, 4, "X")])
        for span, confidence in zip(example.predicted.ents, (0.8, 0.6), strict=True):
            span._.confidence = confidence
        found = scores.score_entities([example])
        assert found["f"] == pytest.approx(0.5)
        assert found["entities_ece"] == pytest.approx((0.2 + 0.6) / 2)
        assert scores.score_entities([])["f"] == 0.0
        plain = make_example([(0, 1, "X")], [(0, 1, "X")])
        assert "entities_ece" not in scores.score_entities([plain])
    finally:
        Span.remove_extension("confidence")


def test_entities_of_a_system_without_confidence() -> None:
    found = scores.score_entities([make_example([(0, 1, "X")], [(0, 1, "X")])])
    assert found == {"f": 1.0, "p": 1.0, "r": 1.0}


def test_texts() -> None:
    examples = []
    for gold, guess in (("A", 0.8), ("B", 0.6)):
        example = make_example([], [])
        example.reference.cats = {"A": float(gold == "A"), "B": float(gold == "B")}
        example.predicted.cats = {"A": guess, "B": 1 - guess}
        examples.append(example)
    found = scores.score_run("texts", dev=[], test=examples, labels=["A", "B"])
    assert found == {"accuracy": 0.5, "texts_ece": pytest.approx((0.2 + 0.6) / 2)}
    assert scores.score_texts([], ["A", "B"])["accuracy"] == 0.0


def test_multilabel_tunes_on_dev_and_scores_test() -> None:
    def make(gold: float, guess: float) -> Example:
        example = make_example([], [])
        example.reference.cats, example.predicted.cats = {"A": gold}, {"A": guess}
        return example

    dev = [make(1.0, 0.3), make(0.0, 0.1)]
    test = [make(1.0, 0.35), make(0.0, 0.02)]
    found = scores.score_run("multilabel", dev=dev, test=test, labels=["A"])
    assert found["macro_f"] == 1.0
    assert found["macro_f_at_half"] == 0.0
    assert found["texts_ece"] == pytest.approx(0.65)
    assert found["all_ece"] == pytest.approx((0.65 + 0.02) / 2)
    assert scores.main_score("multilabel", found) == 1.0


def test_main_score_of_joint_is_the_mean() -> None:
    assert scores.main_score("joint", {"f": 0.5, "accuracy": 1.0}) == 0.75
