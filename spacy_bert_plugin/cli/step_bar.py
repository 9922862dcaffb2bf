"""A progress bar for trainings whose config has none."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm


class StepBar:
    """Shows how far a training is, on a terminal only.

    total (int): Steps of the training; 0 if nobody knows.
    is_shown (bool): False where the logger of the config shows a bar of its own.
    """

    def __init__(self, total: int, *, is_shown: bool) -> None:
        self.total = total
        self.is_shown = is_shown
        self._bar: Any = None

    def step(self, number: int) -> None:
        """Show that a step is done. Steps are counted from 0."""
        if self._bar is None and self.is_shown:
            self._bar = tqdm(
                total=self.total + 1 if self.total else None,
                initial=number,
                disable=None,  # not where stderr is a file
                leave=False,
                file=sys.stderr,
                unit="step",
            )
        if self._bar is not None:
            self._bar.update(1)

    def make_room(self) -> None:
        """Take the bar off the line that is about to be printed on."""
        if self._bar is not None:
            self._bar.clear()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()


def has_own_bar(logger: Any) -> bool:
    """Whether a `[training.logger]` section shows progress: spaCy's do with `progress_bar`."""
    return isinstance(logger, dict) and bool(logger.get("progress_bar"))
