"""Work on the next batches of a stream begins before the results of this one are used."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

ItemT = TypeVar("ItemT")


class Pending(Protocol):
    """Work that has begun."""

    def finish(self) -> Any: ...
    def cancel(self) -> None: ...


class Failed:
    """Work that failed as it began: who waits for it gets the error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def finish(self) -> Any:
        raise self.error

    def cancel(self) -> None:
        """There is nothing to cancel."""


def look_ahead(
    batches: Iterable[Iterable[ItemT]],
    start: Callable[[list[ItemT]], Pending],
    n_ahead: int,
) -> Iterator[tuple[list[ItemT], Pending]]:
    """Begin to work on batches some time before they are handed on, in order.

    Where the stream fails, what came before is handed on first. Where the consumer stops early,
    what has begun is cancelled.

    n_ahead (int): Batches to begin beyond the one that is handed on.
    """
    waiting: deque[tuple[list[ItemT], Pending]] = deque()
    stream = iter(batches)
    end: Exception | None = None
    try:
        while True:
            while end is None and len(waiting) <= n_ahead:
                try:
                    batch = list(next(stream))
                except Exception as error:  # noqa: BLE001 (raised again below)
                    end = error
                else:
                    waiting.append((batch, _begin(batch, start)))
            if not waiting:
                break
            yield waiting.popleft()
    finally:
        for _, pending in waiting:
            pending.cancel()
    if end is not None and not isinstance(end, StopIteration):
        raise end


def _begin(batch: list[ItemT], start: Callable[[list[ItemT]], Pending]) -> Pending:
    try:
        return start(batch)
    except Exception as error:  # noqa: BLE001 (it belongs to this batch, not to the one before)
        return Failed(error)
