"""`spacy-bert-plugin.squad_scorer.v1`: exact match and F1 as the evaluation of SQuAD has them."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from spacy.tokens import Doc
from spacy.training import Example

from ..errors import Errors, SettingError
from ..heads.answer_scores import METHODS, score_answer
from .gold_answers import read_gold_texts

ANSWERS_KEY = "answers"
# Languages that are written without spaces are scored by characters.
METHOD_OF = {"zh": "cmrc"}


def build_squad_scorer_v1(method: str | None = None) -> Callable[..., dict[str, Any]]:
    """Build a scorer of answers.

    method (str | None): "squad": words, without articles, punctuation and case; "cmrc": Chinese
        characters, as the evaluation of CMRC 2018 has them; None: as the language of the Docs
        asks for.
    RETURNS (Callable): Takes Examples; its scores are those of `score_answers`.
    RAISES (SettingError): There is no such method.
    """
    if method is not None and method not in METHODS:
        expected = f"null or one of {', '.join(METHODS)}"
        raise SettingError(Errors.SB002.format(name="method", expected=expected, got=method))
    return partial(score_answers, method=method)


def score_answers(
    examples: Iterable[Example], *, method: str | None = None, **settings: Any
) -> dict[str, float | None]:
    """Score the best answer of each question whose right answers are known.

    RETURNS (dict): "qa_em" and "qa_f1", over all questions; "qa_has_answer_em" and
        "qa_has_answer_f1" over those that have an answer; "qa_no_answer_accuracy" over those that
        have none. From 0.0 to 1.0; None where there is no such question.
    """
    answered: list[tuple[float, float]] = []
    unanswerable: list[tuple[float, float]] = []
    for example in examples:
        gold = read_gold_texts(example.reference)
        if gold is not None:
            chosen = method or choose_method(example.predicted)
            scores = score_answer(read_answer(example.predicted), gold, method=chosen)
            (answered if gold else unanswerable).append(scores)
    every = answered + unanswerable
    return {
        "qa_em": _mean([em for em, _ in every]),
        "qa_f1": _mean([f1 for _, f1 in every]),
        "qa_has_answer_em": _mean([em for em, _ in answered]),
        "qa_has_answer_f1": _mean([f1 for _, f1 in answered]),
        "qa_no_answer_accuracy": _mean([em for em, _ in unanswerable]),
    }


def choose_method(doc: Doc) -> str:
    """How answers in the language of a Doc are compared."""
    return METHOD_OF.get(doc.lang_, "squad")


def read_answer(doc: Doc) -> str:
    """The best answer that a Doc carries; "" where it has none."""
    found = list(doc.spans.get(ANSWERS_KEY, ()))
    return str(found[0].text) if found else ""


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
