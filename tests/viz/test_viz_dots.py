"""A dot for each measurement."""

import re

from spacy_bert_plugin.viz import Dots, Report, draw_report
from spacy_bert_plugin.viz.dots import draw_dots


def test_a_dot_a_value_and_a_line_at_the_mean() -> None:
    drawn = draw_dots(Dots("F & more", (("a < b", (60.0, 64.0)), ("c", (70.0,)), ("d", ()))))
    assert "F &amp; more" in drawn
    assert "a &lt; b" in drawn
    first = [float(x) for x in re.findall(r'<circle class="c0" cx="([\d.]+)"', drawn)]
    second = [float(x) for x in re.findall(r'<circle class="c1" cx="([\d.]+)"', drawn)]
    assert len(first) == 2
    assert first[0] < first[1] < second[0]
    assert 'class="c2"' not in drawn
    middle = sum(first) / 2
    assert f'x1="{middle:.1f}" x2="{middle:.1f}"' in drawn
    assert ">62.0</text>" in drawn


def test_equal_values() -> None:
    assert draw_dots(Dots("same", (("a", (5.0, 5.0)),))).count("<circle") == 2


def test_no_values() -> None:
    assert "No values." in draw_dots(Dots("none", ()))
    assert "No values." in draw_dots(Dots("none", (("a", ()),)))


def test_they_stand_on_a_page() -> None:
    page = draw_report(Report("Page", dots=(Dots("scores", (("a", (1.0, 2.0)),)),)))
    assert "Measured several times" in page
    assert "Measured several times" not in draw_report(Report("Page"))
