"""The picture of `precision.py`: what each setting loses against fp32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from report import BOUND, OURS, THEIRS, finish, plt

# Points that a setting may lose: those of int8 and those of bf16.
BOUNDS = {"0.5 points": 0.5, "0.1 points": 0.1}
COLOURS = (OURS, BOUND, THEIRS, "#6bb39a", "#444444", "#a23b72")
BASE = "fp32"


def list_changes(results: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Points against fp32: by series (data set and score), then by setting."""
    return {
        f"{data}, {key}": {
            name: 100 * (setting["scores"][key] - result["settings"][BASE]["scores"][key])
            for name, setting in result["settings"].items()
            if name != BASE
        }
        for data, result in results.items()
        for key in result["metrics"]
    }


def draw_losses(path: Path, results: dict[str, Any], *, foot: str) -> None:
    """A row a setting, a dot a score; shaded is what may be lost."""
    changes = list_changes(results)
    names = list(dict.fromkeys(name for series in changes.values() for name in series))
    if not names:
        return
    figure, axes = plt.subplots(figsize=(8.5, 0.5 * len(names) + 1.8))
    for shade, bound in zip(("#f3eee2", "#e3ecdf"), BOUNDS.values(), strict=True):
        axes.axvspan(-bound, bound, color=shade, zorder=0)
    for number, (label, series) in enumerate(changes.items()):
        offset = 0.3 - 0.6 * number / max(len(changes) - 1, 1)
        rows = [offset - names.index(name) for name in series]
        colour = COLOURS[number % len(COLOURS)]
        axes.plot([*series.values()], rows, "o", color=colour, markersize=5, label=label)
    axes.set_yticks([-row for row in range(len(names))], names)
    axes.set_xlabel(f"points against fp32 on test (shaded: {' and '.join(BOUNDS)})")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.02, 1.0), fontsize=8)
    finish(figure, axes, path, title="What precision costs", foot=foot)
