"""Which answers of a pipeline have a confidence, and whether they are right."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import confidences
import pytest
import spacy
import write_report
from spacy.tokens import Span
from spacy.training import Example

NLP = spacy.blank("en")
TEXT = "Ada lives in Paris near Lyon"
PARIS, LYON, ADA = (13, 18, "LOC"), (24, 28, "LOC"), (0, 3, "PER")


@pytest.fixture(autouse=True)
def extension() -> Iterator[None]:
    """`span._.confidence`, as loading a `bert_ner` leaves it."""
    had = Span.has_extension("confidence")
    Span.set_extension("confidence", default=None, force=True)
    yield
    if not had:
        Span.remove_extension("confidence")


def make_example(found: dict[tuple[int, int, str], float | None], *, gold: list[Any]) -> Example:
    example = Example.from_dict(NLP.make_doc(TEXT), {"entities": gold})
    spans = []
    for (start, end, label), confidence in found.items():
        span = example.predicted.char_span(start, end, label=label)
        span._.confidence = confidence
        spans.append(span)
    example.predicted.set_ents(spans)
    return example


def make_texts(gold: dict[str, float], guess: dict[str, float]) -> Example:
    example = Example.from_dict(NLP.make_doc(TEXT), {"cats": gold})
    example.predicted.cats = guess
    return example


def make_nlp(factory: str, **settings: Any) -> Any:
    """What of a pipeline is asked for its thresholds."""
    meta = SimpleNamespace(factory=factory)
    pipeline = [("one", SimpleNamespace(**settings))]
    return SimpleNamespace(pipeline=pipeline, get_pipe_meta=lambda name: meta)


def test_entities() -> None:
    wrong_label = (*PARIS[:2], "PER")
    example = make_example({wrong_label: 0.6, ADA: 0.9, LYON: 0.8}, gold=[PARIS, ADA, LYON])
    answers = confidences.read_entities([example, make_example({}, gold=[PARIS])])
    assert answers is not None
    assert answers.confidences == [0.9, 0.6, 0.8]
    assert answers.is_right == [True, False, True]


def test_what_is_not_annotated_is_no_answer() -> None:
    tags = ["O", "-", "-", "-", "O", "U-LOC"]
    example = make_example({PARIS: 0.6, LYON: 0.8}, gold=tags)
    answers = confidences.read_entities([example])
    assert answers is not None
    assert (answers.confidences, answers.is_right) == ([0.8], [True])


def test_no_confidence_no_answers() -> None:
    assert confidences.read_entities([make_example({PARIS: None}, gold=[PARIS])]) is None
    assert confidences.read_entities([make_example({}, gold=[PARIS])]) is None
    assert confidences.read_entities([]) is None
    Span.remove_extension("confidence")
    try:
        assert confidences.read_entities([Example(NLP.make_doc(TEXT), NLP.make_doc(TEXT))]) is None
    finally:
        Span.set_extension("confidence", default=None)


def test_the_best_label() -> None:
    examples = [
        make_texts({"a": 1.0, "b": 0.0}, {"a": 0.7, "b": 0.3}),
        make_texts({"a": 1.0, "b": 0.0}, {"a": 0.4, "b": 0.6}),
        make_texts({"a": 0.0, "b": 0.0}, {"a": 0.4, "b": 0.6}),  # nothing is known
        make_texts({}, {"a": 0.9, "b": 0.1}),
    ]
    answers = confidences.read_labels(examples, thresholds=None)
    assert answers is not None
    assert (answers.confidences, answers.is_right) == ([0.7, 0.6], [True, False])
    assert confidences.read_labels(examples[3:], thresholds=None) is None


def test_labels_from_their_thresholds_on() -> None:
    thresholds = {"a": 0.2, "b": 0.8}
    examples = [
        make_texts({"a": 1.0, "b": 0.0}, {"a": 0.3, "b": 0.7}),
        make_texts({"a": 0.0, "b": 1.0}, {"a": 0.2, "b": 0.9}),
        make_texts({"b": 1.0}, {"a": 0.9, "b": 0.1}),  # a is not known
        make_texts({"a": 0.0, "b": 0.0}, {"a": 0.5, "b": 0.5}),  # it is known that none holds
    ]
    answers = confidences.read_labels(examples, thresholds=thresholds)
    assert answers is not None
    assert answers.confidences == [0.3, 0.9, 0.2, 0.5]
    assert answers.is_right == [True, True, False, False]


def test_thresholds_of_pipelines() -> None:
    stored = {"a": 0.3, "b": 0.6}
    many = make_nlp("bert_textcat", exclusive=False, thresholds=stored)
    assert confidences.read_thresholds(many) == stored
    one = make_nlp("bert_textcat", exclusive=True, thresholds=stored)
    assert confidences.read_thresholds(one) is None
    theirs = make_nlp("textcat_multilabel", labels=("a", "b"), cfg={"threshold": 0.4})
    assert confidences.read_thresholds(theirs) == {"a": 0.4, "b": 0.4}
    assert confidences.read_thresholds(NLP) is None


def test_reliability_of_both_kinds() -> None:
    example = make_example({PARIS: 1.0, LYON: 0.5}, gold=[PARIS, LYON])
    example.reference.cats, example.predicted.cats = {"a": 1.0}, {"a": 0.99}
    entities, labels = write_report.make_reliabilities(NLP, [example])
    assert (entities.title, labels.title) == ("Entities", "Labels of texts")
    assert entities.error == pytest.approx(0.25)
    assert [(one.n, one.share) for one in entities.bins if one.n] == [(1, 1.0), (1, 1.0)]
    assert labels.error == pytest.approx(0.01)
    assert write_report.make_reliabilities(NLP, []) == ()
