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
    xs = [x for curve in chart.curves for x in curve.xs]
    ys = [y for curve in chart.curves for y in curve.ys]
    if not xs:
        return f"<figure><figcaption>{escape(chart.title)}</figcaption><p>No points.</p></figure>"
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
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(chart.title)}">'
        f"{''.join(parts)}</svg>"
    )
    caption = f"<figcaption>{escape(chart.title)}</figcaption>"
    return f"<figure>{caption}{svg}{_draw_legend(chart)}</figure>"


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
    return f"{round(value, 6):g}"


def _place(value: float, ticks: Sequence[float], start: float, end: float) -> float:
    return start + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (end - start)


def _draw_grid(x_ticks: Sequence[float], y_ticks: Sequence[float]) -> str:
    lines = []
    for value in y_ticks:
        y = _place(value, y_ticks, HEIGHT - BOTTOM, TOP)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{format_tick(value)}</text>')
    for value in x_ticks:
        x = _place(value, x_ticks, LEFT, WIDTH - RIGHT)
        lines.append(f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM + 4}"/>')
        anchor = "end" if value == x_ticks[-1] and len(format_tick(value)) > 3 else "middle"
        lines.append(
            f'<text x="{x + (8 if anchor == "end" else 0):.1f}" y="{HEIGHT - BOTTOM + 17}" '
            f'text-anchor="{anchor}">{format_tick(value)}</text>'
        )
    return "".join(lines)


def _draw_names(chart: Chart) -> str:
    middle = (LEFT + WIDTH - RIGHT) / 2
    x_name = f'<text x="{middle:.0f}" y="{HEIGHT - 4}" text-anchor="middle">{escape(chart.x_name)}</text>'
    y_middle = (TOP + HEIGHT - BOTTOM) / 2
    y_name = (
        f'<text transform="translate(12 {y_middle:.0f}) rotate(-90)" text-anchor="middle">'
        f"{escape(chart.y_name)}</text>"
    )
    return x_name + (y_name if chart.y_name else "")


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
