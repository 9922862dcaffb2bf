"""Several measurements of each of a few things, side by side, as SVG."""

from collections.abc import Sequence
from html import escape

from .charts import LEFT, N_COLOURS, RIGHT, TOP, WIDTH, format_tick, make_ticks
from .contents import Dots

# A row has its name, and beside it a dot a measurement and a line at their mean:
#
#   name   |     o  o | o          mean
ROW, AXIS = 34, 26
NAMES = 130


def draw_dots(dots: Dots) -> str:
    """Draw a row of dots for each name, over one axis.

    dots (Dots): Rows without values are named and stay empty.
    RETURNS (str): A `<figure>`.
    """
    caption = f"<figcaption>{escape(dots.title)}</figcaption>"
    values = [value for _, row in dots.rows for value in row]
    if not values:
        return f"<figure>{caption}<p>No values.</p></figure>"
    ticks = make_ticks(min(values), max(values))
    height = TOP + ROW * len(dots.rows) + AXIS
    rows = "".join(
        _draw_row(name, row, ticks, TOP + ROW * (i + 0.5), colour=i % N_COLOURS)
        for i, (name, row) in enumerate(dots.rows)
    )
    return (
        f'<figure class="dots">{caption}<svg viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(dots.title)}">{_draw_axis(ticks, height)}{rows}</svg></figure>'
    )


def _x(value: float, ticks: Sequence[float]) -> float:
    start, end = LEFT + NAMES, WIDTH - RIGHT - 20
    return start + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (end - start)


def _draw_axis(ticks: Sequence[float], height: float) -> str:
    return "".join(
        f'<line class="grid" x1="{_x(tick, ticks):.1f}" x2="{_x(tick, ticks):.1f}" y1="{TOP}" '
        f'y2="{height - AXIS}"/><text x="{_x(tick, ticks):.1f}" y="{height - 8}" '
        f'text-anchor="middle">{format_tick(tick)}</text>'
        for tick in ticks
    )


def _draw_row(
    name: str, values: Sequence[float], ticks: Sequence[float], y: float, *, colour: int
) -> str:
    parts = [f'<text x="{LEFT + NAMES - 12}" y="{y + 4}" text-anchor="end">{escape(name)}</text>']
    parts += [
        f'<circle class="c{colour}" cx="{_x(value, ticks):.1f}" cy="{y}" r="4"/>'
        for value in values
    ]
    if values:
        mean = sum(values) / len(values)
        x = _x(mean, ticks)
        parts.append(
            f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 9}" y2="{y + 9}"/>'
            f'<text x="{x:.1f}" y="{y - 11}" text-anchor="middle">{mean:.1f}</text>'
        )
    return "".join(parts)
