"""The page of answers in their contexts."""

import re
from html.parser import HTMLParser

import pytest

from spacy_bert_plugin.viz import Fact, Mark, QuestionCase, draw_answers
from spacy_bert_plugin.viz.answers import AROUND, mark_text

TEXT = "Rome lies in Italy."


def read_marks(html: str) -> list[tuple[str, str]]:
    """Classes and text of each mark."""
    return re.findall(r"<mark class='([^']*)'>(.*?)</mark>", html)


def read_text(html: str) -> str:
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_data = found.append  # type: ignore[method-assign]
    parser.feed(re.sub(r"<small>.*?</small>", "", html))
    return "".join(found)


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ((), []),
        ((Mark(13, 18, "best", "90 %"),), [("best", "Italy<small>90 %</small>")]),
        # overlapping: what is both is marked as both
        (
            (Mark(10, 18, "best"), Mark(13, 18, "gold")),
            [("best", "in "), ("best gold", "Italy")],
        ),
        ((Mark(0, 4, "other", "1 %"), Mark(0, 19, "gold")),
         [("gold other", "Rome<small>1 %</small>"), ("gold", " lies in Italy.")]),
    ],
)  # fmt: skip
def test_marks_may_overlap(marks: tuple[Mark, ...], expected: list[tuple[str, str]]) -> None:
    html = mark_text(TEXT, marks)
    assert read_marks(html) == expected
    assert read_text(html) == TEXT


def test_html_is_shown_and_not_obeyed() -> None:
    text = "<script>alert('x')</script> & \"more\""
    html = mark_text(text, (Mark(0, 8, "best"),))
    assert "<script" not in html
    assert read_text(html) == text
    case = QuestionCase(text, text, (), text, "right", text, (text,), text)
    assert "<script" not in draw_answers([case], title=text, subtitle=text, note=text)


def test_long_contexts_are_cut_far_from_the_marks() -> None:
    text = "a" * 5000 + "Italy" + "b" * 5000 + "Rome" + "c" * 5000
    start, other = text.index("Italy"), text.index("Rome")
    marks = (Mark(start, start + 5, "best"), Mark(other, other + 4, "gold"))
    shown = read_text(mark_text(text, marks))
    assert shown == "…".join(
        ["", "a" * AROUND + "Italy" + "b" * AROUND, "b" * AROUND + "Rome" + "c" * AROUND, ""]
    )
    assert len(read_text(mark_text(text, ()))) == AROUND + 1


def test_a_page_shows_what_was_wrong_and_needs_nothing_else() -> None:
    cases = [
        QuestionCase("Where?", TEXT, (Mark(0, 4, "best"),), "wrong", "wrong", "Rome", ("Italy",)),
        QuestionCase("Where?", TEXT, (), "right", "right", "Italy", ("Italy",)),
        QuestionCase("Who?", TEXT, (), "wrong", "wrong", "Rome", ()),
        QuestionCase("Who?", TEXT, ()),
    ]
    page = draw_answers(cases, title="Rome", headline=[Fact("exact match", "50.0 %")])
    assert page.count("<section") == 4
    assert page.count("<dt>right</dt>") == 2
    assert page.count("<i>no answer</i>") == 2
    assert "50.0 %" in page
    assert not re.search(r"https?://|<script|<link|url\(", page)
    assert draw_answers([], title="none").count("<section") == 0
