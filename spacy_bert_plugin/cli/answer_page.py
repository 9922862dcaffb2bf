"""The page of `spacy-bert answer`: which questions stand on it, and what is said of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..viz import Fact, Mark, QuestionCase, draw_answers

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

ORDER = ("wrong", "near", "right", "open")


def make_page(
    docs: Sequence[Doc], scores: Mapping[str, float], *, title: str, model: Language, n: int
) -> str:
    """Draw answered questions, at most `n`, two thirds of them such as went wrong.

    docs (Sequence[Doc]): Docs of questions, with answers and, where known, right ones.
    scores (Mapping): Of all of them.
    RETURNS (str): HTML.
    """
    cases = [make_case(doc) for doc in docs]
    chosen = choose_cases(cases, n)
    headline = [
        Fact(name, f"{100 * scores[key]:.1f} %")
        for key, name in (
            ("qa_em", "exact match"),
            ("qa_f1", "F1"),
            ("qa_no_answer_accuracy", "right that there is none"),
        )
        if key in scores
    ]
    note = f"{len(chosen):,} of {len(cases):,} questions."
    subtitle = " → ".join(model.pipe_names)
    return draw_answers(chosen, title=title, subtitle=subtitle, headline=headline, note=note)


def choose_cases(cases: Sequence[QuestionCase], n: int) -> list[QuestionCase]:
    """Errors first, at most two thirds of `n` where there are others."""
    wrong = [case for case in cases if case.kind in ("wrong", "near")]
    rest = [case for case in cases if case.kind not in ("wrong", "near")]
    shown = wrong[: max(n * 2 // 3, n - len(rest))]
    shown += rest[: n - len(shown)]
    return sorted(shown, key=lambda case: ORDER.index(case.kind))


def make_case(doc: Doc) -> QuestionCase:
    """Describe one answered question."""
    from ..heads.answer_scores import score_answer
    from ..pipeline.answer_scoring import ANSWERS_KEY, choose_method, read_answer
    from ..pipeline.gold_answers import read_gold_texts
    from ..training.formats.squad_docs import GOLD_KEY, read_text_answers

    first, second = doc.spans["pair"]
    begin = second.start_char
    group = doc.spans[ANSWERS_KEY]
    confidences = group.attrs["scores"].tolist()
    marks = [
        Mark(
            span.start_char - begin,
            span.end_char - begin,
            "other" if place else "best",
            f"{100 * confidence:.0f} %",
        )
        for place, (span, confidence) in enumerate(zip(group, confidences, strict=True))
    ]
    answer, gold = read_answer(doc), read_gold_texts(doc)
    verdict, kind = "", "open"
    if gold is not None:
        known = read_text_answers(doc.spans[GOLD_KEY], second)
        marks += [Mark(start, start + len(text), "gold") for text, start in dict.fromkeys(known)]
        em, f1 = score_answer(answer, gold, method=choose_method(doc))
        kind = "right" if em else "near" if f1 else "wrong"
        verdict = kind if kind != "near" else f"F1 {100 * f1:.0f} %"
    nothing = group.attrs.get("no_answer")
    note = "" if nothing is None else f"(no answer: {100 * nothing:.0f} %)"
    return QuestionCase(
        first.text,
        second.text,
        tuple(marks),
        verdict,
        kind,
        answer,
        tuple(dict.fromkeys(gold or ())),
        note,
    )
