"""Ctrl-C: the step is finished, the state saved, and only then the run stops."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interrupt:
    """Whether somebody wants the run to stop."""

    is_asked = False


@contextmanager
def catch_interrupt() -> Iterator[Interrupt]:
    """Take the first Ctrl-C as a wish; the second one stops at once, as always.

    YIELDS (Interrupt): Look at `is_asked` after each step. Outside of the main thread, where
        signals cannot be caught, it stays False.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        interrupt.is_asked = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
