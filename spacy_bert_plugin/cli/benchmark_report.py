"""What of a benchmark stands in tables and pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..viz.speed import Panel
    from .measure.agreement import Agreement
    from .measure.result import Summary
    from .measure.spread import Spread

HEADER = (
    "pipeline",
    "words/s",
    "times the first",
    "pieces/s",
    "one text, p50 ms",
    "p95 ms",
    "peak MiB",
    "load s",
)
AGREEMENT_HEADER = ("entities F", "same category", "probability within", "same tag", "cosine")
NONE = "-"


def list_rows(summaries: Sequence[Summary]) -> list[list[str]]:
    """A row a pipeline, under `HEADER`."""
    columns = [
        [summary.name for summary in summaries],
        align([show_spread(summary.words, "{:,.0f}") for summary in summaries]),
        align([show_spread(s.ratio, "{:.2f}") if i else "1" for i, s in enumerate(summaries)]),
        align([show_number(s.pieces.median if s.pieces else None, "{:,.0f}") for s in summaries]),
        align([show_spread(summary.p50, "{:,.1f}") for summary in summaries]),
        align([f"{summary.p95.median:,.1f}" for summary in summaries]),
        align([show_memory(summary) for summary in summaries]),
        align([f"{summary.load_seconds:.1f}" for summary in summaries]),
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def list_agreement(summaries: Sequence[Summary]) -> list[list[str]]:
    """A row for every pipeline but the first; none where nothing can be compared."""
    found = [(s.name, s.agreement) for s in summaries[1:] if s.agreement is not None]
    return [[name, *show_agreement(agreement)] for name, agreement in found]


def show_agreement(agreement: Agreement) -> list[str]:
    """Cells under `AGREEMENT_HEADER`."""
    return [
        show_number(agreement.entities_f, "{:.2%}"),
        show_number(agreement.cats_same, "{:.2%}"),
        show_number(agreement.cats_difference, "{:.1e}"),
        show_number(agreement.tags_same, "{:.2%}"),
        show_number(agreement.cosine, "{:.5f}"),
    ]


def make_panels(summaries: Sequence[Summary]) -> list[Panel]:
    """Speed, latency, memory and loading as bars, a colour a pipeline."""
    return [
        _make_panel("Speed", "words/s, more is better", summaries, lambda s: s.words, "{:,.0f}"),
        _make_panel(
            "One text at a time, median",
            "milliseconds, less is better",
            summaries,
            lambda s: s.p50,
            "{:,.1f} ms",
        ),
        _make_panel(
            "One text at a time, 95 of 100 are faster",
            "milliseconds, less is better",
            summaries,
            lambda s: s.p95,
            "{:,.1f} ms",
        ),
        _make_panel(
            "Peak memory", "MiB, less is better", summaries, lambda s: s.peak_mib, "{:,.0f} MiB"
        ),
        _make_panel(
            "Start-up, imports and loading",
            "seconds, less is better",
            summaries,
            lambda s: s.load_seconds,
            "{:.1f} s",
        ),
    ]


def show_spread(spread: Spread, form: str) -> str:
    """`median (low to high)`."""
    low, high = form.format(spread.low), form.format(spread.high)
    return f"{form.format(spread.median)} ({low} to {high})"


def show_number(value: float | None, form: str) -> str:
    """A number, or a dash where there is none."""
    return NONE if value is None else form.format(value)


def show_memory(summary: Summary) -> str:
    """Of the process, and of the GPU where it was used."""
    host = show_number(summary.peak_mib, "{:,.0f}")
    if summary.gpu_peak_mib is None:
        return host
    return f"{host} + {summary.gpu_peak_mib:,.0f} GPU"


def align(cells: Sequence[str]) -> list[str]:
    """Set numbers to the right; what follows in brackets begins at the same place."""
    heads = [cell.partition(" ")[0] for cell in cells]
    width = max(map(len, heads), default=0)
    return [" " * (width - len(head)) + cell for head, cell in zip(heads, cells, strict=True)]


def _make_panel(
    title: str,
    unit: str,
    summaries: Sequence[Summary],
    read: Callable[[Summary], Spread | float | None],
    form: str,
) -> Panel:
    from ..viz.speed import Bar, Panel

    bars = []
    for number, summary in enumerate(summaries):
        value = read(summary)
        if value is None:
            continue
        if isinstance(value, float):
            bars.append(Bar(summary.name, value, value, value, form.format(value), number))
        else:
            text = form.format(value.median)
            bars.append(Bar(summary.name, value.median, value.low, value.high, text, number))
    return Panel(title, unit, tuple(bars))
