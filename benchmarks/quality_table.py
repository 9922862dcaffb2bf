"""The table of `quality.py`: mean and extremes of the seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from report import print_table

COLUMNS = {
    "entity F": "f",
    "accuracy": "accuracy",
    "macro F": "macro_f",
    "exact match": "em",
    "answer F1": "answer_f1",
    "ECE entities": "entities_ece",
    "ECE texts": "texts_ece",
    "ECE answers": "answers_ece",
}


def print_quality(
    runs: Iterable[dict[str, Any]], data: Sequence[str], systems: Sequence[str]
) -> None:
    """One row a data set and system."""
    header = ("data", "system", "seeds", *COLUMNS, "words/s", "minutes", "predicted words/s")
    runs = list(runs)
    rows = []
    for name in data:
        for system in systems:
            chosen = [run for run in runs if (run["data"], run["system"]) == (name, system)]
            if chosen:
                rows.append(make_row(name, system, chosen))
    print_table(header, rows)


def make_row(data: str, system: str, runs: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Means over the seeds, extremes in brackets."""
    cells = [
        show_spread([run["scores"][key] for run in runs if key in run["scores"]], digits=3)
        for key in COLUMNS.values()
    ]
    speeds = [run["train_words"] / max(run["train_seconds"], 1e-9) for run in runs]
    minutes = [run["train_seconds"] / 60 for run in runs]
    predicted = [run["predict_words"] / max(run["predict_seconds"], 1e-9) for run in runs]
    timings = (
        show_spread(speeds, digits=0),
        show_spread(minutes, digits=1),
        show_spread(predicted, digits=0),
    )
    return (data, system, str(len(runs)), *cells, *timings)


def show_spread(values: Sequence[float], *, digits: int) -> str:
    """`mean (least to most)`; the value alone where there is one, nothing where there is none."""
    if not values:
        return ""
    mean = f"{sum(values) / len(values):,.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"
