"""Reliability diagrams."""

from xml.etree import ElementTree

import pytest

from spacy_bert_plugin import viz
from spacy_bert_plugin.viz.reliability import FLOOR, TALL, draw_reliability

BINS = (
    viz.ReliabilityBin(0.0, 0.5, 0, 0.0, 0.0),
    viz.ReliabilityBin(0.5, 0.75, 10, 0.6, 0.0),
    viz.ReliabilityBin(0.75, 1.0, 2000, 0.9, 1.0),
)


def parse(reliability: viz.Reliability) -> ElementTree.Element:
    return ElementTree.fromstring(draw_reliability(reliability))


def test_a_bar_for_each_bin_with_answers() -> None:
    figure = parse(viz.Reliability("<Entities>", 0.0985, BINS))
    text = "".join(figure.itertext())
    assert "<Entities>: 2,010 answers, expected calibration error 9.8 %" in text
    assert "confidence 0.50 to 0.75: 10 answers, 0.0 % right, 60.0 % promised" in text
    bars = [rect for rect in figure.iter("rect") if rect.get("class") == "right"]
    marks = [line for line in figure.iter("line") if line.get("class") == "promise"]
    low, high = (float(bar.get("height", 0)) for bar in bars)
    assert low < 1.0
    assert high == pytest.approx(FLOOR - float(bars[1].get("y", 0)), abs=0.1)
    assert [float(mark.get("y1", 0)) for mark in marks] == sorted(
        (float(mark.get("y1", 0)) for mark in marks), reverse=True
    )
    counts = [rect for rect in figure.iter("rect") if rect.get("class") == "count"]
    assert all(float(count.get("height", 0)) >= 1.0 for count in counts)
    assert max(float(c.get("y", 0)) + float(c.get("height", 0)) for c in counts) < TALL


def test_no_answers() -> None:
    for bins in ((), BINS[:1]):
        figure = parse(viz.Reliability("None", 0.0, bins))
        assert "No answers." in "".join(figure.itertext())
        assert figure.find("svg") is None


def test_it_stands_on_the_page() -> None:
    page = viz.draw_report(viz.Report("x", reliabilities=(viz.Reliability("Entities", 0.1, BINS),)))
    assert page.count('<figure class="reliability">') == 1
    assert "Do confidences tell the truth?" in page
    assert "Do confidences" not in viz.draw_report(viz.Report("x"))
