"""The log of a run: a row for each evaluation, with what spaCy's ConsoleLogger has and more."""

import json
import os
from pathlib import Path
from typing import Any

from .folders import explain_disk

Row = dict[str, Any]


class RunLog:
    """Rows in memory and, if there is a path, in a file.

    path (Path): A `.jsonl` file, which is replaced; nothing is written if None.
    last_step (int): Rows of an earlier run up to this step are kept; -1: none.
    """

    def __init__(self, path: Path | None, *, last_step: int = -1) -> None:
        self.path = path
        self.rows: list[Row] = []
        if path is not None and path.is_file() and last_step >= 0:
            self.rows = [row for row in _read_rows(path) if row["step"] <= last_step]

    def add(self, row: Row) -> None:
        """Add a row and write the file. RAISES (CheckpointError): It cannot be written."""
        self.rows.append(row)
        if self.path is not None:
            # Written anew: a process that is killed leaves whole lines only.
            text = "".join(json.dumps(row) + "\n" for row in self.rows)
            staged = self.path.with_name(f".{self.path.name}.new")
            with explain_disk(self.path):
                staged.write_text(text, encoding="utf8")
                os.replace(staged, self.path)


def make_row(info: dict[str, Any], **more: Any) -> Row:
    """Describe an evaluation.

    info (dict): As spaCy's loggers get it.
    more: What they do not get.
    RETURNS (Row): Scores in percent, as ConsoleLogger has them, but for the weighted one.
    """
    scores = {
        name: float(value) if name == "speed" else 100.0 * float(value)
        for name, value in info["other_scores"].items()
        if isinstance(value, (int, float))
    }
    return {
        "epoch": info["epoch"],
        "step": info["step"],
        "losses": {name: float(value) for name, value in info["losses"].items()},
        "scores": scores,
        "score": float(info["score"]),
        "words": info["words"],
        "seconds": info["seconds"],
        **more,
    }


def _read_rows(path: Path) -> list[Row]:
    rows = []
    for line in path.read_text(encoding="utf8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            rows.append(row)
    return rows
