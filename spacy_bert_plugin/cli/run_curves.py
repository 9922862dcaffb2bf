"""What of the log of a training becomes a picture."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..viz import Chart, Curve
from ..viz.curves import draw_curves

if TYPE_CHECKING:
    from ..training.log import Row

MAX_SCORES = 6


def write_curves(rows: Sequence[Row], path: Path, *, shown: Sequence[str]) -> None:
    """Draw the rows of a log into a file, which is replaced as a whole.

    rows (Sequence[Row]): One for each evaluation.
    path (Path): An `.svg` file.
    shown (Sequence[str]): Names of the scores to draw.
    """
    staged = path.with_name(f".{path.name}.new")
    staged.write_text(draw_curves(make_charts(rows, shown=shown)), encoding="utf8")
    os.replace(staged, path)


def make_charts(rows: Sequence[Row], *, shown: Sequence[str]) -> list[Chart]:
    """Turn the rows of a log into curves over steps.

    rows (Sequence[Row]): One for each evaluation.
    shown (Sequence[str]): Names of the scores to draw; those that the rows do not have are left
        out.
    RETURNS (list): Scores, learning rate, words a second, and the mean loss of a batch for each
        component.
    """
    if not rows:
        return []
    steps = tuple(float(row["step"]) for row in rows)

    def curve(name: str, values: Sequence[Any]) -> Curve:
        return Curve(name, steps, tuple(float(value) for value in values))

    names = [name for name in shown if name != "speed" and name in rows[-1]["scores"]]
    whole = curve("score", [100.0 * row["score"] for row in rows])
    scores = [
        curve(name, [row["scores"].get(name, 0.0) for row in rows]) for name in names[:MAX_SCORES]
    ]
    if not any(_is_same(whole, score) for score in scores):  # then it is the one with a weight
        scores.insert(0, whole)
    top = 100.0 if max(max(score.ys) for score in scores) <= 100.0 else None
    rates = curve("learning rate", [row["learn_rate"] for row in rows])
    speed = curve("words/s", [row["words_per_second"] for row in rows])
    charts = [
        Chart("Scores on the development data", tuple(scores), y_name="%", top=top),
        Chart("Learning rate", (rates,)),
        Chart("Words learned from in a second", (speed,)),
    ]
    for name in rows[-1]["losses"]:
        losses = [row["losses"].get(name, 0.0) / max(row["batches"], 1) for row in rows]
        charts.append(Chart(f"Loss of {name}, a batch", (curve(name, losses),)))
    return charts


def _is_same(one: Curve, other: Curve) -> bool:
    """Whether two curves differ by rounding at most."""
    return all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(one.ys, other.ys, strict=True))
