"""Answers in their contexts, as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from itertools import pairwise

from .contents import Fact
from .report import read_style
from .tables import draw_facts

# Characters that are shown around the marks of a long context.
AROUND = 400
CUT = "<span class='cut'>…</span>"


@dataclass(frozen=True)
class Mark:
    """A marked stretch of a context.

    start, end (int): In characters of the context.
    kind (str): "gold", "best" or "other".
    note (str): What stands beside it.
    """

    start: int
    end: int
    kind: str
    note: str = ""


@dataclass(frozen=True)
class QuestionCase:
    """A question, and what was answered.

    question, context (str): The texts.
    marks (tuple): Right answers and given ones; they may overlap.
    verdict (str): In a word or two. kind (str): "right", "near", "wrong" or "open".
    answer (str): What was answered; empty: nothing.
    gold (tuple): Right answers; none where there is none.
    note (str): Further remark.
    """

    question: str
    context: str
    marks: tuple[Mark, ...]
    verdict: str = ""
    kind: str = "open"
    answer: str = ""
    gold: tuple[str, ...] = ()
    note: str = ""


def draw_answers(
    cases: Sequence[QuestionCase],
    *,
    title: str,
    subtitle: str = "",
    headline: Sequence[Fact] = (),
    note: str = "",
) -> str:
    """Draw a page of questions. RETURNS (str): HTML."""
    tiles = draw_facts(headline, css_class="tiles") if headline else ""
    items = "".join(_draw_case(case) for case in cases)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{read_style()}{_read_style()}</style>\n</head>\n"
        f"<body>\n<main>\n<header><h1>{escape(title)}</h1><p>{escape(subtitle)}</p></header>\n"
        f"{tiles}\n<p class='note key'><mark class='best'>answer</mark> "
        "<mark class='other'>next best</mark> <mark class='gold'>right answer</mark> "
        f"{escape(note)}</p>\n{items}\n</main>\n</body>\n</html>\n"
    )


def _draw_case(case: QuestionCase) -> str:
    verdict = f"<span class='verdict'>{escape(case.verdict)}</span>" if case.verdict else ""
    answer = f"<b>{escape(case.answer)}</b>" if case.answer else "<i>no answer</i>"
    lines = [f"<dt>answer</dt><dd>{answer} {escape(case.note)}</dd>"]
    if case.kind in ("near", "wrong"):
        gold = " · ".join(escape(text) for text in case.gold) or "<i>no answer</i>"
        lines.append(f"<dt>right</dt><dd>{gold}</dd>")
    return (
        f"<section class='question {escape(case.kind)}'><h2>{escape(case.question)}{verdict}</h2>"
        f"<dl>{''.join(lines)}</dl><p class='context'>{mark_text(case.context, case.marks)}</p>"
        "</section>\n"
    )


def mark_text(text: str, marks: Sequence[Mark]) -> str:
    """Mark stretches of a text, which may overlap. Far from all marks the text is left out.

    text (str): Whatever HTML it holds is shown, not obeyed.
    RETURNS (str): HTML.
    """
    if not marks:
        return _shorten(text, keep_end=False) if len(text) > 2 * AROUND else escape(text)
    edges = sorted({0, len(text), *(m.start for m in marks), *(m.end for m in marks)})
    parts = []
    for start, end in pairwise(edges):
        inside = [mark for mark in marks if mark.start <= start and end <= mark.end]
        if not inside:
            parts.append(_cut_middle(text[start:end], is_first=not start, is_last=end == len(text)))
            continue
        kinds = " ".join(sorted({mark.kind for mark in inside}))
        notes = " ".join(mark.note for mark in inside if mark.end == end and mark.note)
        small = f"<small>{escape(notes)}</small>" if notes else ""
        parts.append(f"<mark class='{escape(kinds)}'>{escape(text[start:end])}{small}</mark>")
    return "".join(parts)


def _cut_middle(text: str, *, is_first: bool, is_last: bool) -> str:
    if len(text) <= 2 * AROUND:
        return escape(text)
    if is_first or is_last:
        return _shorten(text, keep_end=is_first)
    return escape(text[:AROUND]) + CUT + escape(text[-AROUND:])


def _shorten(text: str, *, keep_end: bool) -> str:
    return CUT + escape(text[-AROUND:]) if keep_end else escape(text[:AROUND]) + CUT


@cache
def _read_style() -> str:
    return resources.files(__package__).joinpath("answers.css").read_text(encoding="utf-8")
