"""The log of a pretraining run on a terminal, and its progress bar."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import Any

from tqdm import tqdm

TITLES = (
    "step",
    "pieces",
    "loss",
    "pair loss",
    "dev loss",
    "dev words %",
    "dev pairs %",
    "pieces/s",
)
WIDTHS = (8, 13, 9, 10, 9, 12, 12, 10)
HEADER = "\n".join(
    " ".join(f"{text:>{width}}" for text, width in zip(line, WIDTHS, strict=True))
    for line in (TITLES, ["-" * width for width in WIDTHS])
)


def format_row(row: dict[str, Any], baseline: str = "") -> str:
    """Write a row of the log as a line under `HEADER`.

    row (dict): As `log.jsonl` has it.
    baseline (str): Write the line of this baseline instead.
    """
    held_out = row["held_out"] or {}
    if baseline:
        cells = [baseline, "", "", "", "", _percent(row["baselines"][baseline]), "", ""]
    else:
        cells = [
            f"{row['step']}",
            f"{row['pieces']:,}",
            f"{row['word_loss']:.4f}",
            f"{row['pair_loss']:.4f}" if row["pair_loss"] else "-",
            f"{held_out['word_loss']:.4f}" if held_out else "-",
            _percent(held_out["word_accuracy"]) if held_out.get("n_words") else "-",
            _percent(held_out["pair_accuracy"]) if held_out.get("n_pairs") else "-",
            f"{row['pieces_per_second']:,.0f}",
        ]
    return " ".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True))


class PretrainingBar:
    """Shows how far a run is, on a terminal only.

    total (int): Steps of the run; 0 if nobody knows.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._bar: Any = None
        self._corpus = ""
        self._n_pieces, self._begin = 0, 0.0

    def add_corpus(self, name: str, n_pieces: int) -> None:
        """Show that pieces of a corpus have been read."""
        if self._corpus != name:
            self.close()
            self._corpus = name
            self._bar = _open_bar(desc=f"Reading {name}", unit=" pieces", unit_scale=True)
        self._bar.update(n_pieces)

    def start(self, last_step: int) -> None:
        """Show the bar of the run. Steps are counted from 1."""
        self.close()
        self._begin = perf_counter()
        self._bar = _open_bar(total=self.total or None, initial=last_step, unit="step")

    def step(self, number: int, n_pieces: int) -> None:
        """Show that a step is done."""
        self._n_pieces += n_pieces
        self._bar.update(1)
        speed = self._n_pieces / max(perf_counter() - self._begin, 1e-9)
        self._bar.set_postfix_str(f"{speed:,.0f} pieces/s", refresh=False)

    def make_room(self) -> None:
        """Take the bar off the line that is about to be printed on."""
        if self._bar is not None:
            self._bar.clear()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
        self._bar = None


def _open_bar(**settings: Any) -> Any:
    return tqdm(disable=None, leave=False, file=sys.stderr, **settings)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"
