"""Report pages: all that they are given stands on them, and nothing else is needed to see it."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from spacy_bert_plugin import viz
from spacy_bert_plugin.viz.charts import draw_chart, format_tick, make_ticks
from spacy_bert_plugin.viz.sentences import HUES, highlight, pick_colours
from spacy_bert_plugin.viz.tables import draw_confusion, draw_labels

NASTY = "<script>alert('&')</script>"
VOID = {"meta", "link", "br", "line", "circle", "polyline"}


class Checker(HTMLParser):
    """Reads a page, and remembers its text and what is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1:] == [tag]:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    return checker


@pytest.fixture
def report() -> viz.Report:
    right = viz.Sentence(
        "play jazz", True, (viz.Span(5, 9, "genre"),), (viz.Span(5, 9, "genre"),), "a", "a"
    )
    wrong = viz.Sentence(
        f"{NASTY} now",
        False,
        (viz.Span(0, 4, "genre", is_right=False),),
        (viz.Span(0, len(NASTY), NASTY, is_right=False),),
        "a",
        NASTY,
    )
    return viz.Report(
        title=f"Title {NASTY}",
        subtitle="two texts",
        headline=(viz.Fact("Accuracy", "50.0 %", "of two"),),
        facts=(viz.Fact("seed", "0"),),
        tables=(viz.LabelTable("Spans", (viz.LabelRow(NASTY, 1234, 0.5, 0.25, 0.333),), "a note"),),
        charts=(
            viz.Chart(
                "Loss", (viz.Curve("ner", (0, 10, 20), (3.0, 2.0, 1.5)), viz.Curve("x", (), ()))
            ),
        ),
        confusions=(viz.Confusion("Mixed up", ("a", "b"), ((1, 0), (2, 3))),),
        sentences=(wrong, right),
        sentences_note="errors first",
    )


def test_page_is_whole_and_alone(report: viz.Report) -> None:
    html = viz.draw_report(report)
    page = read(html)
    assert page.open == []
    assert "script" not in page.tags
    assert re.findall(r"(?:src|href)=|url\(|@import|https?://", html) == []
    for text in (
        "Title <script>",
        "two texts",
        "50.0 %",
        "a note",
        "1,234",
        "33.3",
        "Mixed up",
        "errors first",
    ):
        assert text in page.text


def test_errors_show_both_readings(report: viz.Report) -> None:
    page = viz.draw_report(report)
    assert page.count("class='who'>gold<") == page.count("class='who'>predicted<") == 1
    assert page.index("li class='wrong'") < page.index("li class='right'")
    assert page.count("chip off") == 1
    assert page.count("entity off") == 2
    assert page.count("entity same") == 1


def test_an_empty_report() -> None:
    page = read(viz.draw_report(viz.Report("Nothing")))
    assert page.open == []
    assert not {"section", "svg", "table", "mark", "dl"} & set(page.tags)


def test_parts_without_rows() -> None:
    assert read(draw_labels(viz.LabelTable("None", ()))).open == []
    assert read(draw_confusion(viz.Confusion("None", (), ()))).open == []
    assert "No points" in draw_chart(viz.Chart("None", ()))
    assert "No points" in draw_chart(viz.Chart("None", (viz.Curve("x", (), ()),)))


@pytest.mark.parametrize(
    ("low", "high", "whole"),
    [(0, 0, True), (0, 1, True), (0, 600, True), (0, 7, False), (0, 0.03, False), (0, 23456, False),
     (-3, 12, False), (0, 100, False), (0, 1e-9, False), (0, 1, False)],
)  # fmt: skip
def test_ticks_span_the_range(low: float, high: float, whole: bool) -> None:
    ticks = make_ticks(low, high, whole=whole)
    assert 2 <= len(ticks) <= 10
    assert ticks[0] <= low
    assert ticks[-1] >= high * (1 - 1e-9)
    steps = {round((b - a) / (ticks[1] - ticks[0]), 6) for a, b in pairwise(ticks)}
    assert steps == {1.0}
    if whole:
        assert all(tick == int(tick) for tick in ticks)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.1 + 0.2, "0.3"), (5000.0, "5000"), (25000.0, "25k"), (-2.0, "-2")],
)
def test_ticks_are_readable(value: float, text: str) -> None:
    assert format_tick(value) == text


def test_points_stay_inside_the_axes() -> None:
    chart = viz.Chart("One", (viz.Curve("x", (7,), (1e6,)),), y_name="loss")
    svg = draw_chart(chart)
    points = re.search(r'points="([\d.]+),([\d.]+)"', svg)
    assert points is not None
    x, y = map(float, points.groups())
    assert 52 <= x <= 406
    assert 12 <= y <= 182
    assert "legend" not in svg


def test_curves_of_unlike_length_are_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        draw_chart(viz.Chart("x", (viz.Curve("x", (1, 2), (1,)),)))


def test_colours() -> None:
    labels = [f"L{i}" for i in range(2 * len(HUES))]
    colours = pick_colours([*labels, *labels])
    assert len(colours) == len(set(colours.values())) == len(labels)
    assert pick_colours([]) == {}


def test_highlight_escapes() -> None:
    html = highlight("a < b", [viz.Span(2, 3, "{x}&")], {"{x}&": "red"})
    page = read(html)
    assert page.text.split() == ["a", "<{x}&", "b"]
    assert 'style="background:red"' in html
    assert read(highlight("", [], {})).text.strip() == ""
