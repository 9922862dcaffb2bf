"""Bars with intervals."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from spacy_bert_plugin.errors import MissingDependencyError
from spacy_bert_plugin.viz import speed
from spacy_bert_plugin.viz.speed import Bar, Panel, draw_speed, write_speed

SVG = "{http://www.w3.org/2000/svg}"
BARS = (
    Bar("<ours>", 200.0, 150.0, 260.0, "200", 0),
    Bar("a/very/long/path/" * 6, 100.0, 100.0, 100.0, "100", 9),
)
PANELS = [Panel("Speed & more", "words/s", BARS), Panel("Nothing", "MiB", ())]


def test_bars_are_as_long_as_their_values() -> None:
    root = ElementTree.fromstring(draw_speed("Title", PANELS, foot="<machine>"))
    text = "".join(root.itertext())
    assert "Speed & more" in text
    assert "<machine>" in text
    assert "Nothing" not in text
    bars = [rect for rect in root.iter(f"{SVG}rect") if rect.get("fill")]
    long, short = (float(bar.get("width", 0)) for bar in bars)
    assert long == pytest.approx(2 * short, abs=0.2)
    assert len({bar.get("x") for bar in bars}) == 1
    intervals = [line for line in root.iter(f"{SVG}line") if line.get("class") == "interval"]
    assert len(intervals) == 1  # the other one has none
    names = [t.text or "" for t in root.iter(f"{SVG}text")]
    assert "<ours>" in names
    assert any(name.startswith("…") and len(name) < 60 for name in names)


def test_bars_stay_inside_of_the_picture() -> None:
    bars = tuple(Bar(f"n{i}", 10.0**i, 10.0**i, 2 * 10.0**i, str(i), i) for i in range(5))
    root = ElementTree.fromstring(draw_speed("", [Panel("p", "u", bars)]))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for line in root.iter(f"{SVG}line"):
        assert 0 <= float(line.get("x2", -1)) <= width
        assert 0 <= float(line.get("y2", -1)) <= height


def test_nothing_to_draw() -> None:
    root = ElementTree.fromstring(draw_speed("Title", []))
    assert "Nothing was measured." in "".join(root.itertext())
    zero = Panel("p", "u", (Bar("a", 0.0, 0.0, 0.0, "0", 0),))
    assert ElementTree.fromstring(draw_speed("Title", [zero])) is not None


def test_files(tmp_path: Path) -> None:
    write_speed(tmp_path / "a.svg", "Title", PANELS)
    assert ElementTree.fromstring((tmp_path / "a.svg").read_text(encoding="utf8")) is not None
    pytest.importorskip("matplotlib")
    write_speed(tmp_path / "a.png", "Title", PANELS, foot="machine")
    write_speed(tmp_path / "b.png", "Title", [])
    for name in ("a.png", "b.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_png_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(module: str, *, purpose: str) -> None:
        raise MissingDependencyError(f"{purpose} needs {module}")

    monkeypatch.setattr(speed, "import_optional", fail)
    with pytest.raises(MissingDependencyError, match="A picture as PNG needs matplotlib"):
        write_speed(tmp_path / "a.png", "Title", PANELS)
