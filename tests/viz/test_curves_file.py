from xml.etree import ElementTree

import pytest

from spacy_bert_plugin.viz import Chart, Curve
from spacy_bert_plugin.viz.charts import N_COLOURS, draw_plot, format_tick
from spacy_bert_plugin.viz.curves import COLOURS, draw_curves

SVG = "{http://www.w3.org/2000/svg}"


def make_chart(n_curves: int, title: str = "<Loss> & more") -> Chart:
    curves = [Curve(f"curve {i}", (0.0, 4.0, 8.0), (1.0, i, 0.5)) for i in range(n_curves)]
    return Chart(title, tuple(curves))


def test_every_chart_stands_in_the_picture() -> None:
    root = ElementTree.fromstring(draw_curves([make_chart(1), make_chart(8), make_chart(0)]))
    assert root.tag == f"{SVG}svg"
    assert len(root.findall(f".//{SVG}polyline")) == 9
    titles = [node.text for node in root.iter(f"{SVG}text") if node.get("class") == "title"]
    assert titles == ["<Loss> & more"] * 2
    legend = [node.text for node in root.iter(f"{SVG}text") if "curve" in (node.text or "")]
    assert legend == [f"curve {i}" for i in range(8)]


@pytest.mark.parametrize("n_charts", [0, 1, 2, 3, 7])
def test_the_picture_is_as_large_as_it_must_be(n_charts: int) -> None:
    root = ElementTree.fromstring(draw_curves([make_chart(1)] * n_charts))
    places = [node.get("transform", "") for node in root.findall(f"{SVG}g")]
    assert len(set(places)) == n_charts
    height = float(root.get("height", 0))
    assert all(float(place[10:-1].split()[1]) + 250 < height for place in places)
    assert ("No points." in "".join(root.itertext())) is (n_charts == 0)


def test_there_are_as_many_colours_as_classes() -> None:
    assert len(COLOURS) == N_COLOURS
    assert draw_plot(make_chart(0)) == ""


def test_small_rates_have_ticks() -> None:
    assert [format_tick(v) for v in (2e-7, 5e-05, 3 * 0.1, 0.0)] == ["2e-07", "5e-05", "0.3", "0"]
