"""What a pipeline answers, how sure it is, and whether it is right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc, Span
from spacy.training import Example

HALF = 0.5


@dataclass(frozen=True)
class Answers:
    """Answers of one kind, from all texts.

    title (str): What they are, for people.
    key (str): Under which key of the stored scores their calibration error goes.
    confidences (list), is_right (list): As many of one as of the other.
    """

    title: str
    key: str
    confidences: list[float]
    is_right: list[bool]


def list_answers(nlp: Any, examples: Sequence[Example]) -> list[Answers]:
    """List the answers that have a confidence: entities, and labels of texts.

    nlp (Language): The pipeline that has predicted.
    examples (Sequence): Gold and prediction of every text.
    RETURNS (list): A kind for which nothing is annotated or predicted is left out.
    """
    kinds = [read_entities(examples), read_labels(examples, thresholds=read_thresholds(nlp))]
    return [kind for kind in kinds if kind is not None]


def read_entities(examples: Sequence[Example]) -> Answers | None:
    """Entities found in annotated text; None where an entity does not say how sure it is."""
    if not Span.has_extension("confidence"):
        return None
    answers = Answers("Entities", "ents_ece", [], [])
    for example in examples:
        gold = {locate(span) for span in example.reference.ents}
        for span in example.predicted.ents:
            if span._.confidence is None:
                return None
            if is_annotated(example.reference, span):
                answers.confidences.append(float(span._.confidence))
                answers.is_right.append(locate(span) in gold)
    return answers if answers.confidences else None


def locate(span: Span) -> tuple[int, int, str]:
    """What must agree for an entity to be right."""
    return span.start_char, span.end_char, span.label_


def is_annotated(reference: Doc, span: Span) -> bool:
    """Whether it is known what stands where another Doc of the same text has a span."""
    found = reference.char_span(span.start_char, span.end_char, alignment_mode="expand")
    return found is not None and all(token.ent_iob_ for token in found)


def read_labels(
    examples: Sequence[Example], *, thresholds: dict[str, float] | None
) -> Answers | None:
    """Labels given to annotated texts: the best one of each, or all from their threshold on.

    thresholds (dict): Score from which on each label holds; None: exactly one holds.
    """
    answers = Answers("Labels of texts", "cats_ece", [], [])
    for example in examples:
        gold, guess = example.reference.cats, example.predicted.cats
        given = choose_labels(guess, thresholds)
        for label in given if any(gold.values()) or thresholds is not None else []:
            if label in gold:
                answers.confidences.append(guess[label])
                answers.is_right.append(gold[label] > HALF)
    return answers if answers.confidences else None


def choose_labels(cats: dict[str, float], thresholds: dict[str, float] | None) -> list[str]:
    """The labels that scores stand for, the best first.

    thresholds (dict): Score from which on each label holds; None: exactly one holds.
    """
    ranked = sorted(cats, key=lambda label: -cats[label])
    if thresholds is None:
        return ranked[:1]
    return [label for label in ranked if cats[label] >= thresholds.get(label, HALF)]


def read_thresholds(nlp: Any) -> dict[str, float] | None:
    """Score from which on each label of a text holds; None where exactly one does."""
    found: dict[str, float] = {}
    for name, pipe in nlp.pipeline:
        factory = nlp.get_pipe_meta(name).factory
        if factory == "bert_textcat" and not pipe.exclusive:
            found |= pipe.thresholds
        elif factory == "textcat_multilabel":
            found |= dict.fromkeys(pipe.labels, pipe.cfg["threshold"])
    return found or None
