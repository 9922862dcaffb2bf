"""Reliability diagrams: confidence beside the share of right answers, as SVG."""

from html import escape

from .charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from .contents import Reliability, ReliabilityBin

# The bars that count answers stand in a strip under the diagram:
#
#   TOP    ┌──────────────┐ 100 %
#          │   diagram    │
#   FLOOR  ├──────────────┤ 0 %
#   GAP    ├──────────────┤ (numbers of the axis)
#          │  counts      │ COUNTS
#          └──────────────┘
FLOOR = HEIGHT - BOTTOM
GAP, COUNTS = 24, 34
TALL = FLOOR + GAP + COUNTS + 20
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def draw_reliability(reliability: Reliability) -> str:
    """Draw a bar a bin, with a mark where it should end.

    reliability (Reliability): Bins without answers stay empty.
    RETURNS (str): A `<figure>`.
    """
    n = sum(one.n for one in reliability.bins)
    caption = (
        f"<figcaption>{escape(reliability.title)}: {n:,} answers, expected calibration error "
        f"{100 * reliability.error:.1f} %</figcaption>"
    )
    if not n:
        return f"<figure class='reliability'>{caption}<p>No answers.</p></figure>"
    most = max(one.n for one in reliability.bins)
    bars = "".join(_draw_bin(one, most) for one in reliability.bins if one.n)
    return (
        f'<figure class="reliability">{caption}<svg viewBox="0 0 {WIDTH} {TALL}" role="img" '
        f'aria-label="{escape(reliability.title)}">{_draw_axes()}{bars}</svg></figure>'
    )


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - RIGHT - LEFT)


def _y(share: float) -> float:
    return FLOOR - share * (FLOOR - TOP)


def _draw_axes() -> str:
    parts = []
    for tick in TICKS:
        x, y = _x(tick), _y(tick)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{100 * tick:.0f} %</text>'
            f'<text x="{x:.1f}" y="{FLOOR + 16}" text-anchor="middle">{tick:g}</text>'
        )
    middle = _x(0.5)
    return (
        f"{''.join(parts)}"
        f'<line class="ideal" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{FLOOR}" y2="{TOP}"/>'
        f'<text x="{middle:.1f}" y="{TALL - 4}" text-anchor="middle">confidence</text>'
    )


def _draw_bin(one: ReliabilityBin, most: int) -> str:
    left, right = _x(one.low) + 1.0, _x(one.high) - 1.0
    top, mark = _y(one.share), _y(one.confidence)
    # Never so low that a few answers cannot be seen.
    height = max(COUNTS * one.n / most, 1.0)
    text = (
        f"confidence {one.low:.2f} to {one.high:.2f}: {one.n:,} answers, "
        f"{100 * one.share:.1f} % right, {100 * one.confidence:.1f} % promised"
    )
    return (
        f"<g><title>{text}</title>{_draw_bar('right', left, right, top, FLOOR)}"
        f'<line class="promise" x1="{left:.1f}" x2="{right:.1f}" y1="{mark:.1f}" '
        f'y2="{mark:.1f}"/>'
        f"{_draw_bar('count', left, right, FLOOR + GAP + COUNTS - height, FLOOR + GAP + COUNTS)}"
        "</g>"
    )


def _draw_bar(css_class: str, left: float, right: float, top: float, bottom: float) -> str:
    return (
        f'<rect class="{css_class}" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
        f'height="{max(bottom - top, 0.5):.1f}"/>'
    )
