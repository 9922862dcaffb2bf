"""What a pretraining run tells others, and what becomes of it."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..training.log import Row


def _ignore(*_: Any) -> None:
    return None


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=4)


@dataclass(frozen=True)
class PretrainingHooks:
    """Who wants to know what happens.

    on_corpus (Callable): Gets the name of a corpus and the pieces that have just been read.
    on_start (Callable): Gets facts about the run by title, and the last step that is done, 0 in a
        new run.
    on_step (Callable): Gets the number of a step that is done, and its pieces.
    on_row (Callable): Gets all rows of the log, after each of them.
    warn (Callable): Gets a message that the user should read.
    """

    on_corpus: Callable[[str, int], None] = _ignore
    on_start: Callable[[dict[str, str], int], None] = _ignore
    on_step: Callable[[int, int], None] = _ignore
    on_row: Callable[[list[Row]], None] = _ignore
    warn: Callable[[str], None] = _warn


@dataclass(frozen=True)
class PretrainingOutcome:
    """What became of a run.

    step (int): Steps that are done.
    reason (str): "interrupted", "steps" or "epochs".
    best (tuple): Lowest held-out loss and its step; None if nothing was held out.
    """

    step: int
    reason: str
    best: tuple[float, int] | None
