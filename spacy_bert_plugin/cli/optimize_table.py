"""The table of `spacy-bert optimize`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .measure.spread import Spread
    from .optimize_model import Report

HEADER = ("", "original", "optimized", "change")
MB = 1_000_000


def list_rows(report: Report) -> list[tuple[str, str, str, str]]:
    """Lay out a report under `HEADER`; what was not measured is left out."""
    rows = [("precision", *report.precision, "")]
    for name, pair in (("size on disk", report.sizes), ("  its encoder", report.encoder_sizes)):
        rows.append((name, _show_size(pair[0]), _show_size(pair[1]), _show_share(pair)))
    if report.rates is not None and report.ratio is not None:
        ratio = f"{_show_spread(report.ratio, digits=2)} times"
        before, after = (_show_spread(rate, digits=0) for rate in report.rates)
        rows.append(("words/s", before, after, ratio))
    rows += [
        (name, f"{100 * old:.2f}", f"{100 * new:.2f}", f"{100 * (new - old):+.2f} points")
        for name, (old, new) in report.scores.items()
    ]
    return rows + [(name, "", value, "") for name, value in list_agreement(report)]


def list_agreement(report: Report) -> list[tuple[str, str]]:
    """Name what the two pipelines have in common, as far as they say anything."""
    found, likeness = report.agreement, report.likeness
    rows = [("texts compared", f"{report.n_texts:,}")] if found is not None else []
    if likeness is not None:
        rows.append(("cosine of token vectors, mean", f"{likeness.mean:.5f}"))
        rows.append(("  one in a hundred below", f"{likeness.low:.5f}"))
    if found is not None:
        values = {
            "same entities (F)": found.entities_f,
            "same category": found.cats_same,
            "same tags": found.tags_same,
        }
        rows += [(name, f"{100 * v:.2f} %") for name, v in values.items() if v is not None]
        if found.cats_difference is not None:
            rows.append(("largest change of a category", f"{found.cats_difference:.4f}"))
    return rows


def _show_size(n_bytes: int) -> str:
    return f"{n_bytes / MB:.1f} MB"


def _show_share(sizes: tuple[int, int]) -> str:
    return f"{100 * sizes[1] / max(sizes[0], 1):.0f} %"


def _show_spread(spread: Spread, *, digits: int) -> str:
    """`median (interval)`"""
    median, low, high = (f"{v:,.{digits}f}" for v in (spread.median, spread.low, spread.high))
    return f"{median} ({low} to {high})"
