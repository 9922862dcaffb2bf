"""What a run tells others: while it goes on, and when it has ended."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .log import Row


def _ignore(*_: Any) -> None:
    return None


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=4)


@dataclass(frozen=True)
class Hooks:
    """Who wants to know what happens.

    on_start (Callable): Gets the number of the last step that is done, -1 in a new run.
    on_step (Callable): Gets the number of the step that has been done.
    on_print (Callable): Called before the logger of the config may print.
    on_row (Callable): Gets all rows of the log, after each evaluation.
    warn (Callable): Gets a message that the user should read.
    """

    on_start: Callable[[int], None] = _ignore
    on_step: Callable[[int], None] = _ignore
    on_print: Callable[[], None] = _ignore
    on_row: Callable[[list[Row]], None] = _ignore
    warn: Callable[[str], None] = _warn


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    step (int): The last step.
    reason (str): "interrupted", "patience", "steps" or "epochs".
    best (tuple): Best score and its step; None if nothing was evaluated.
    """

    step: int
    reason: str
    best: tuple[float, int] | None
