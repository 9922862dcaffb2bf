"""Runs planned batches, side by side where that helps, in smaller ones where memory is short."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch

IntArray = npt.NDArray[np.int64]
ResultT = TypeVar("ResultT")
# Prepares batches (given the windows of each) and returns what runs the n-th of them.
PrepareT = Callable[[Sequence[IntArray]], Callable[[int], ResultT]]
# How torch words it on CPU, where it has no exception of its own for that.
_NO_MEMORY = ("can't allocate memory", "not enough memory")


class BatchRun(Generic[ResultT]):
    """Batches on their way. A batch that does not fit into memory is halved until it does.

    Only when a single window does not fit is the error of the device passed on.

    batches (Sequence[IntArray]): The windows of each batch.
    prepare (PrepareT): Called once for all, and once for each part of a batch that was halved.
    lanes (Executor | None): Threads that run batches side by side, from now on. None: batches run
        one after the other, as their results are asked for.
    """

    def __init__(
        self,
        batches: Sequence[IntArray],
        prepare: PrepareT[ResultT],
        *,
        lanes: Executor | None = None,
    ) -> None:
        self._batches, self._prepare = list(batches), prepare
        self._run = prepare(self._batches) if self._batches else None
        self._futures: list[Future[ResultT] | None] = [None] * len(self._batches)
        if lanes is not None and self._run is not None and len(self._batches) > 1:
            self._futures = [lanes.submit(self._run, n) for n in range(len(self._batches))]

    def collect(self) -> Iterator[ResultT]:
        """Give the results in the order of the batches, each once.

        RAISES (torch.OutOfMemoryError, MemoryError, RuntimeError): One window alone is too much.
        """
        try:
            for number in range(len(self._batches)):
                yield from self._finish(number)
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Let batches that have not begun be; wait for those that have."""
        waiting = [future for future in self._futures if future is not None]
        self._futures = [None] * len(self._futures)
        for future in waiting:
            future.cancel()
        wait(waiting)

    def _finish(self, number: int) -> list[ResultT]:
        future, self._futures[number] = self._futures[number], None
        try:
            if future is not None:
                return [future.result()]
            return [] if self._run is None else [self._run(number)]
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or len(self._batches[number]) < 2:
                raise
        return self._run_halves(self._batches[number])

    def _run_halves(self, windows: IntArray) -> list[ResultT]:
        results: list[ResultT] = []
        middle = len(windows) // 2
        for half in (windows[:middle], windows[middle:]):
            try:
                results.append(self._prepare([half])(0))
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) or len(half) < 2:
                    raise
                results += self._run_halves(half)
        return results


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether a smaller batch might have succeeded."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _NO_MEMORY)
