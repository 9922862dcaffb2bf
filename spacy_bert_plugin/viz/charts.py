"""Line charts as SVG. Colours come from the page's style sheet, so that they suit its theme."""

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10

from .contents import Chart

WIDTH, HEIGHT = 420, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 38
N_COLOURS = 6


def draw_chart(chart: Chart) -> str:
    """Draw curves with axes, grid and legend.

    chart (Chart): Curves; those without points are named and not drawn.
    RETURNS (str): A `<figure>`.
    """
    plot = draw_plot(chart)
    if not plot:
        return f"<figure><figcaption>{escape(chart.title)}</figcaption><p>No points.</p></figure>"
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(chart.title)}">'
        f"{plot}</svg>"
    )
    caption = f"<figcaption>{escape(chart.title)}</figcaption>"
    return f"<figure>{caption}{svg}{_draw_legend(chart)}</figure>"


def draw_plot(chart: Chart) -> str:
    """Draw curves with axes and grid.

    chart (Chart): Curves.
    RETURNS (str): What goes inside of an `<svg>` of WIDTH by HEIGHT; empty without points.
    """
    xs = [x for curve in chart.curves for x in curve.xs]
    ys = [y for curve in chart.curves for y in curve.ys]
    if not xs:
        return ""
    x_ticks = make_ticks(min(0, *xs), max(xs), whole=True)
    y_ticks = make_ticks(min(0, *ys), chart.top or max(ys))
    parts = [_draw_grid(x_ticks, y_ticks), _draw_names(chart)]
    for i, curve in enumerate(chart.curves):
        points = " ".join(
            f"{_place(x, x_ticks, LEFT, WIDTH - RIGHT):.1f},"
            f"{_place(y, y_ticks, HEIGHT - BOTTOM, TOP):.1f}"
            for x, y in zip(curve.xs, curve.ys, strict=True)
        )
        parts.append(_draw_line(points, colour=i % N_COLOURS))
    return "".join(parts)


def make_ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Round numbers that span a range, four to nine of them.

    low (float), high (float): The range.
    whole (bool): Whole numbers only.
    RETURNS (list): Evenly spaced; the first is at or under `low`, the last at or over `high`.
    """
    span = high - low or 1.0
    step = 10.0 ** floor(log10(span))
    for part in (0.2, 0.5, 1.0):
        if span / (step * part) <= 6:
            step *= part
            break
    if whole:
        step = max(1.0, step)
    first, last = floor(low / step), ceil(high / step - 1e-9)
    return [i * step for i in range(first, max(last, first + 1) + 1)]


def format_tick(value: float) -> str:
    """A number as it stands at an axis."""
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:.6g}"


def _place(value: float, ticks: Sequence[float], start: float, end: float) -> float:
    return start + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (end - start)


def _draw_grid(x_ticks: Sequence[float], y_ticks: Sequence[float]) -> str:
    lines = []
    for value in y_ticks:
        y = _place(value, y_ticks, HEIGHT - BOTTOM, TOP)
        lines.append(_draw_rule("grid", LEFT, WIDTH - RIGHT, y, y))
        lines.append(_draw_text(format_tick(value), LEFT - 6, y + 4, anchor="end"))
    for value in x_ticks:
        x, y = _place(value, x_ticks, LEFT, WIDTH - RIGHT), HEIGHT - BOTTOM
        lines.append(_draw_rule("tick", x, x, y, y + 4))
        text = format_tick(value)
        # Keep a long last number inside of the picture.
        is_long = value == x_ticks[-1] and len(text) > 3
        lines.append(
            _draw_text(text, x + 8 * is_long, y + 17, anchor="end" if is_long else "middle")
        )
    return "".join(lines)


def _draw_names(chart: Chart) -> str:
    x_name = _draw_text(chart.x_name, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4)
    if not chart.y_name:
        return x_name
    turn = f"translate(12 {(TOP + HEIGHT - BOTTOM) / 2:.0f}) rotate(-90)"
    return f'{x_name}<g transform="{turn}">{_draw_text(chart.y_name, 0, 0)}</g>'


def _draw_rule(css_class: str, x1: float, x2: float, y1: float, y2: float) -> str:
    return f'<line class="{css_class}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def _draw_text(text: str, x: float, y: float, *, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _draw_line(points: str, *, colour: int) -> str:
    dots = "".join(
        f'<circle class="c{colour}" cx="{x}" cy="{y}" r="2"/>'
        for x, y in (point.split(",") for point in points.split())
    )
    return f'<polyline class="c{colour}" points="{points}"/>{dots}'


def _draw_legend(chart: Chart) -> str:
    if len(chart.curves) < 2:
        return ""
    items = (
        f'<li><span class="key c{i % N_COLOURS}"></span>{escape(curve.name)}</li>'
        for i, curve in enumerate(chart.curves)
    )
    return f'<ul class="legend">{"".join(items)}</ul>'
