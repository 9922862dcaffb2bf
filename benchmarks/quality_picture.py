"""The picture of `quality.py`: every seed a dot, every mean a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recipes import DATA_SETS
from report import BOUND, OURS, THEIRS, finish, plt

COLOURS = {
    "ours": OURS,
    "ours-spacy-heads": "#6bb39a",
    "bare": BOUND,
    "spacy-transformers": THEIRS,
}
# Of each kind of task, the scores that are drawn.
SCORES = {
    "entities": {"f": "entity F"},
    "texts": {"accuracy": "accuracy"},
    "joint": {"accuracy": "intents, accuracy", "f": "slots, F"},
    "multilabel": {"macro_f": "macro F"},
    "pairs": {"accuracy": "accuracy"},
    "answers": {"em": "exact match", "answer_f1": "F1"},
}


def draw_quality(
    path: Path, runs: Sequence[dict[str, Any]], systems: Sequence[str], *, foot: str
) -> None:
    """One row a score: the systems below each other, each test score of a seed as a dot."""
    rows = list_rows(runs)
    if not rows:
        return
    figure, axes = plt.subplots(figsize=(8.5, 0.9 * len(rows) + 1.6))
    for number, (data, key, _) in enumerate(rows):
        for place, system in enumerate(systems):
            values = find_values(runs, data, system, key)
            height = -number + 0.25 - 0.5 * place / max(len(systems) - 1, 1)
            axes.plot(values, [height] * len(values), "o", color=COLOURS[system], markersize=5)
            if values:
                mean = sum(values) / len(values)
                axes.plot([mean] * 2, [height - 0.1, height + 0.1], color=COLOURS[system])
                axes.annotate(
                    f"{mean:.3f}", (max(values), height), (6, -3), textcoords="offset points",
                    fontsize=8,
                )  # fmt: skip
    axes.set_yticks([-number for number in range(len(rows))], [name for *_, name in rows])
    for system in systems:
        axes.plot([], [], "o", color=COLOURS[system], label=system)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.02, 1.0))
    axes.set_xlabel("score on test (dot: one seed, line: their mean)")
    finish(figure, axes, path, title="Quality after the same training", foot=foot)


def list_rows(runs: Sequence[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Data set, key of its score, and how the row is called."""
    present = {run["data"] for run in runs}
    return [
        (data, key, f"{data}\n{name}")
        for data, data_set in DATA_SETS.items()
        if data in present
        for key, name in SCORES[data_set.kind].items()
    ]


def find_values(runs: Sequence[dict[str, Any]], data: str, system: str, key: str) -> list[float]:
    """The scores of all seeds."""
    chosen = [run for run in runs if (run["data"], run["system"]) == (data, system)]
    return [run["scores"][key] for run in chosen]
