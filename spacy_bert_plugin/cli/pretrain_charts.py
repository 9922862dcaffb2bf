"""The log of a pretraining run as a picture."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..viz import Chart, Curve
from ..viz.curves import draw_curves


def write_pretraining_curves(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the rows of a log into a file, which is replaced as a whole.

    rows (Sequence[dict]): As `log.jsonl` has them.
    path (Path): An `.svg` file.
    """
    staged = path.with_name(f".{path.name}.new")
    staged.write_text(draw_curves(make_pretraining_charts(rows)), encoding="utf8")
    os.replace(staged, path)


def make_pretraining_charts(rows: Sequence[dict[str, Any]]) -> list[Chart]:
    """Turn the rows of a log into curves over steps.

    rows (Sequence[dict]): As `log.jsonl` has them.
    RETURNS (list): Losses, held-out accuracies beside the baselines, learning rate, speed.
    """
    if not rows:
        return []
    held = [row for row in rows if row["held_out"]]
    words = [row for row in held if row["held_out"]["n_words"]]
    pairs = [row for row in held if row["held_out"]["n_pairs"]]
    losses = [
        _curve("learned text", rows, lambda row: row["word_loss"]),
        _curve("held-out text", words, lambda row: row["held_out"]["word_loss"]),
    ]
    accuracies = [_curve("model", words, lambda row: 100 * row["held_out"]["word_accuracy"])]
    for name in ("bigram", "unigram"):
        known = [row for row in words if row["baselines"]]
        accuracies.append(_curve(name, known, lambda row, n=name: 100 * row["baselines"][n]))
    pair_losses = [
        _curve("learned text", rows if pairs else [], lambda row: row["pair_loss"]),
        _curve("held-out text", pairs, lambda row: row["held_out"]["pair_loss"]),
    ]
    right = _curve("model", pairs, lambda row: 100 * row["held_out"]["pair_accuracy"])
    return [
        Chart("Loss of masked words", _keep(losses), y_name="nats"),
        Chart("Masked words guessed", _keep(accuracies), y_name="%"),
        Chart("Loss of next sentences", _keep(pair_losses), y_name="nats"),
        Chart("Next sentences told", _keep([right]), y_name="%", top=100.0),
        Chart("Learning rate", (_curve("rate", rows, lambda row: row["learn_rate"]),)),
        Chart("Pieces in a second", (_curve("n", rows, lambda row: row["pieces_per_second"]),)),
    ]


def _curve(name: str, rows: Sequence[dict[str, Any]], read: Any) -> Curve:
    return Curve(
        name, tuple(float(row["step"]) for row in rows), tuple(float(read(row)) for row in rows)
    )


def _keep(curves: Sequence[Curve]) -> tuple[Curve, ...]:
    return tuple(curve for curve in curves if curve.xs)
