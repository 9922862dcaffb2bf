"""Bars with intervals, a panel for each thing that was measured: as SVG, or PNG by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from .._compat import import_optional
from .charts import format_tick, make_ticks
from .curves import COLOURS

# A panel, its bars under each other:
#
#            LEFT                          WIDTH - RIGHT
#   title
#   name     ██████████████├──┤  1,234
#   name     ███████├┤  567
#            0      500    1,000             unit
WIDTH, RIGHT, TITLE, ROW, AXIS, MARGIN = 760, 110, 26, 26, 40, 20
THICK, LETTER = 16, 6.4
LEFT_LEAST, LEFT_MOST = 90, 300
STYLE = (
    "text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;"
    "fill:#333a44}.head{font-size:16px;font-weight:600;fill:#1b1f24}.title{font-weight:600;"
    "fill:#1b1f24}.note{font-size:10px;fill:#5d6673}.page{fill:#fff}.grid{stroke:#e6e9ed}"
    ".range{stroke:#1b1f24}.interval{stroke:#1b1f24;stroke-width:3}"
)


@dataclass(frozen=True)
class Bar:
    """One system in a panel.

    low, high (float): Its interval; the same as the value where there is none.
    text (str): The value as it is to be read.
    colour (int): Counted from 0; the same number for the same system in every panel.
    """

    name: str
    value: float
    low: float
    high: float
    text: str
    colour: int = 0


@dataclass(frozen=True)
class Panel:
    """Bars over one axis that begins at zero."""

    title: str
    unit: str
    bars: tuple[Bar, ...]


def draw_speed(title: str, panels: Sequence[Panel], *, foot: str = "") -> str:
    """Draw panels under each other.

    panels (Sequence[Panel]): Those without bars are left out.
    foot (str): One line under them: the machine.
    RETURNS (str): An SVG document.
    """
    drawn, y = [], 2.0 * MARGIN + 12
    for panel in panels:
        if panel.bars:
            drawn.append(f'<g transform="translate({MARGIN} {y:g})">{_draw_panel(panel)}</g>')
            y += TITLE + ROW * len(panel.bars) + AXIS + MARGIN
    if not drawn:
        drawn.append(f'<text x="{MARGIN}" y="{y:g}">Nothing was measured.</text>')
        y += MARGIN
    width, height = WIDTH + 2 * MARGIN, y + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:g}" '
        f'width="{width}" height="{height:g}" role="img" aria-label="{escape(title)}">'
        f'<style>{STYLE}</style><rect class="page" width="{width}" height="{height:g}"/>'
        f'<text class="head" x="{MARGIN}" y="{MARGIN + 10}">{escape(title)}</text>'
        f"{''.join(drawn)}"
        f'<text class="note" x="{MARGIN}" y="{height - MARGIN:g}">{escape(foot)}</text></svg>\n'
    )


def write_speed(path: Path, title: str, panels: Sequence[Panel], *, foot: str = "") -> None:
    """Draw panels into a file.

    path (Path): `.png`: drawn by matplotlib; anything else: SVG.
    RAISES (MissingDependencyError): A PNG is asked for without matplotlib.
    """
    if path.suffix == ".png":
        _write_png(path, title, [panel for panel in panels if panel.bars], foot)
    else:
        path.write_text(draw_speed(title, panels, foot=foot), encoding="utf8")


def _draw_panel(panel: Panel) -> str:
    left = _measure_names([bar.name for bar in panel.bars])
    ticks = make_ticks(0, max(bar.high for bar in panel.bars))
    floor = TITLE + ROW * len(panel.bars)

    def place(value: float) -> float:
        return left + min(value / ticks[-1], 1.0) * (WIDTH - RIGHT - left)

    parts = [f'<text class="title" x="0" y="14">{escape(panel.title)}</text>']
    for tick in ticks:
        x = place(tick)
        parts.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TITLE}" y2="{floor}"/>'
            f'<text class="note" x="{x:.1f}" y="{floor + 14}" text-anchor="middle">'
            f"{format_tick(tick)}</text>"
        )
    middle = (left + WIDTH - RIGHT) / 2
    parts.append(
        f'<text class="note" x="{middle:.1f}" y="{floor + 28}" text-anchor="middle">'
        f"{escape(panel.unit)}</text>"
    )
    for row, bar in enumerate(panel.bars):
        y = TITLE + ROW * row + ROW / 2
        parts.append(_draw_bar(bar, y, left, place(bar.value), place(bar.low), place(bar.high)))
    return "".join(parts)


def _draw_bar(bar: Bar, y: float, left: float, end: float, low: float, high: float) -> str:
    colour = COLOURS[bar.colour % len(COLOURS)]
    interval = ""
    if bar.low < bar.high:
        interval = f'<line class="interval" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>'
    return (
        f"<g><title>{escape(f'{bar.name}: {bar.text}')}</title>"
        f'<text x="{left - 8:.1f}" y="{y + 4}" text-anchor="end">{escape(_cut(bar.name))}</text>'
        f'<rect x="{left:.1f}" y="{y - THICK / 2}" width="{max(end - left, 0.5):.1f}" '
        f'height="{THICK}" fill="{colour}"/>{interval}'
        f'<text x="{max(end, high) + 8:.1f}" y="{y + 4}">{escape(bar.text)}</text></g>'
    )


def _measure_names(names: Sequence[str]) -> float:
    return min(max(LEFT_LEAST, 14 + LETTER * max(map(len, names))), LEFT_MOST)


def _cut(name: str) -> str:
    """A name that fits to the left of its bar; what tells paths apart is mostly their end."""
    most = int((LEFT_MOST - 14) / LETTER)
    return name if len(name) <= most else f"…{name[1 - most :]}"


def _write_png(path: Path, title: str, panels: Sequence[Panel], foot: str) -> None:
    matplotlib = import_optional("matplotlib", purpose="A picture as PNG")
    matplotlib.use("Agg")
    plt = import_optional("matplotlib.pyplot", purpose="A picture as PNG")
    rows = [len(panel.bars) for panel in panels] or [1]
    figure, grid = plt.subplots(
        len(rows),
        figsize=(9.0, 0.32 * sum(rows) + 0.9 * len(rows) + 0.6),
        gridspec_kw={"height_ratios": rows},
        squeeze=False,
        layout="constrained",
    )
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    for panel, (axes,) in zip(panels, grid, strict=False):
        _plot_panel(axes, panel)
    # supxlabel is part of the layout: text put there by hand would run into the lowest axis.
    figure.supxlabel(foot or " ", fontsize=7, color="#5d6673", x=0.01, ha="left")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _plot_panel(axes: Any, panel: Panel) -> None:
    top = max(bar.high for bar in panel.bars)
    for row, bar in enumerate(panel.bars):
        axes.barh(row, bar.value, color=COLOURS[bar.colour % len(COLOURS)], height=0.62)
        axes.hlines(row, bar.low, bar.high, color="#1b1f24", linewidth=3.0)
        axes.text(bar.high + 0.01 * top, row, bar.text, va="center", fontsize=8)
    axes.set_yticks(range(len(panel.bars)), [_cut(bar.name) for bar in panel.bars], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.3 * top or 1.0)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_title(panel.title, loc="left", fontsize=9, fontweight="bold")
    axes.set_xlabel(panel.unit, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
