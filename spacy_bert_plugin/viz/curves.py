"""Charts as one SVG file that any browser opens, with its colours inside."""

from collections.abc import Sequence
from html import escape

from .charts import HEIGHT, N_COLOURS, WIDTH, draw_plot
from .contents import Chart

N_COLUMNS = 2
GAP, TITLE, LEGEND = 24, 22, 18
COLOURS = ("#2f6fde", "#d9731a", "#1f9d63", "#a443c4", "#c8372d", "#0f8ea3")
# The classes of `charts`; a file of its own cannot see the style sheet of a page.
STYLE = (
    "text{font:11px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;"
    "fill:#5d6673}.title{font-size:14px;font-weight:600;fill:#1b1f24}.page{fill:#fff}"
    ".grid{stroke:#dfe3e8}.tick{stroke:#5d6673}"
    "polyline{fill:none;stroke-width:2;stroke-linejoin:round}"
    + "".join(
        f"polyline.c{i}{{stroke:{colour}}}circle.c{i},rect.c{i}{{fill:{colour}}}"
        for i, colour in enumerate(COLOURS)
    )
)


def draw_curves(charts: Sequence[Chart]) -> str:
    """Draw charts beside and under each other.

    charts (Sequence[Chart]): Those without points are left out.
    RETURNS (str): An SVG document.
    """
    panels = [(chart, plot) for chart in charts if (plot := draw_plot(chart))]
    n_rows = -(-len(panels) // N_COLUMNS) or 1
    step_x, step_y = WIDTH + GAP, HEIGHT + TITLE + LEGEND + GAP
    width, height = GAP + N_COLUMNS * step_x, GAP + n_rows * step_y
    drawn = "".join(
        _draw_panel(chart, plot, GAP + i % N_COLUMNS * step_x, GAP + i // N_COLUMNS * step_y)
        for i, (chart, plot) in enumerate(panels)
    )
    empty = "" if panels else f'<text x="{GAP}" y="{2 * GAP}">No points.</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="Curves of a training">'
        f'<style>{STYLE}</style><rect class="page" width="{width}" height="{height}"/>'
        f"{drawn}{empty}</svg>\n"
    )


def _draw_panel(chart: Chart, plot: str, x: float, y: float) -> str:
    return (
        f'<g transform="translate({x} {y})"><text class="title" y="14">{escape(chart.title)}</text>'
        f"{_draw_legend(chart)}"
        f'<g transform="translate(0 {TITLE + LEGEND})">{plot}</g></g>'
    )


def _draw_legend(chart: Chart) -> str:
    if len(chart.curves) < 2:
        return ""
    items, x = [], 0
    for i, curve in enumerate(chart.curves):
        items.append(
            f'<rect class="c{i % N_COLOURS}" x="{x}" y="{TITLE + 6}" width="14" height="3"/>'
            f'<text x="{x + 18}" y="{TITLE + 11}">{escape(curve.name)}</text>'
        )
        x += 18 + 7 * len(curve.name) + 12
    return "".join(items)
