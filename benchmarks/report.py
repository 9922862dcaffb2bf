"""Results as a table on the terminal, a JSON file and a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

RESULTS = Path(__file__).resolve().parent / "results"
OURS, THEIRS, BOUND = "#0b6e4f", "#9aa5b1", "#d9a441"
# More of them have no room for a label each.
MOST_SIZES = 12
# Labels of sizes closer than this lie over each other.
LEAST_RATIO = 1.3
LINES = (OURS, BOUND, THEIRS, "#5b4b8a")


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table, so that it can be pasted as it is."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for number, row in enumerate(cells):
        padded = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("| " + " | ".join(padded) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def write_json(path: Path, results: dict[str, Any]) -> None:
    """Write the results beside the earlier ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf8")
    print(f"written: {path}")


def draw_bars(
    path: Path, *, title: str, unit: str, foot: str, bars: Sequence[tuple[str, Any, str]]
) -> None:
    """One horizontal bar a system, with its 95 % interval and its rounds' extremes.

    bars: Name, `Spread`, and what it is: "ours", "theirs" or "bound".
    """
    colours = {"ours": OURS, "theirs": THEIRS, "bound": BOUND}
    figure, axes = plt.subplots(figsize=(8.5, 0.55 * len(bars) + 1.6))
    for row, (_, spread, kind) in enumerate(reversed(bars)):
        axes.barh(row, spread.median, color=colours[kind], height=0.62)
        axes.hlines(row, spread.minimum, spread.maximum, color="#333333", linewidth=1.0)
        axes.hlines(row, spread.low, spread.high, color="#333333", linewidth=4.0)
        axes.text(
            max(spread.maximum, spread.median),
            row,
            f"  {spread.median:,.0f}",
            va="center",
            fontsize=9,
        )
    axes.set_yticks(range(len(bars)), [name for name, _, _ in reversed(bars)])
    axes.set_xlim(0, 1.15 * max(spread.maximum for _, spread, _ in bars))
    axes.set_xlabel(f"{unit}\n(thick line: 95 % interval of the median, thin: extremes)")
    finish(figure, axes, path, title=title, foot=foot)


def draw_lines(
    path: Path,
    *,
    title: str,
    labels: tuple[str, str],
    foot: str,
    lines: Sequence[tuple[str, Sequence[float], Sequence[float]]],
) -> None:
    """One line a series, over a logarithmic axis of a few sizes or over the time of many."""
    figure, axes = plt.subplots(figsize=(8.5, 4.2))
    for number, (name, xs, ys) in enumerate(lines):
        axes.plot(xs, ys, marker="o", label=name, color=LINES[number % len(LINES)])
    sizes = sorted({x for _, xs, _ in lines for x in xs})
    if len(sizes) <= MOST_SIZES:
        axes.set_xscale("log")
        apart = keep_apart(sizes)
        axes.set_xticks(apart, [f"{size:,}" for size in apart])
        axes.set_xticks([], minor=True)
    else:
        axes.set_xlim(0, sizes[-1])
        axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylim(0, 1.15 * max(max(ys) for _, _, ys in lines))
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.legend(frameon=False, loc="best")
    finish(figure, axes, path, title=title, foot=foot)


def keep_apart(sizes: Sequence[float]) -> list[float]:
    """Leave out what is too close to the one before for its label on a logarithmic axis."""
    kept: list[float] = []
    for size in sizes:
        if not kept or size >= LEAST_RATIO * kept[-1]:
            kept.append(size)
    return kept


def finish(figure: Any, axes: Any, path: Path, *, title: str, foot: str) -> None:
    """Add title and foot, and write the picture."""
    axes.set_title(title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    figure.text(0.01, 0.01, foot, fontsize=7, color="#555555")
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    print(f"written: {path}")
