"""One pipeline for many requests: few at a time, few that wait, and no more.

    request -> [ waiting: max_waiting ] -> [ running: n_threads ] -> answer
            -> Full, at once, where both are taken

Needs nothing but Python, so that it can be put behind any server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

AnswerT = TypeVar("AnswerT")


class FullError(Exception):
    """As many requests wait as may wait: the client should come back later."""


class Desk(Generic[AnswerT]):
    """Answers texts in threads that share one pipeline.

    Texts wait in no queue without an end: `answer` refuses what would wait too long. A request
    that is given up gives its place back: at once while it waits; when its text is done if a thread
    already works on it, as threads cannot be stopped.

    answer (Callable[[str], AnswerT]): Called in a thread, with one text.
    n_threads (int): Texts that are worked on at the same time.
    max_waiting (int): Texts that may wait beside them.
    """

    def __init__(
        self, answer: Callable[[str], AnswerT], *, n_threads: int = 2, max_waiting: int = 16
    ) -> None:
        self._answer = answer
        self._threads = ThreadPoolExecutor(n_threads, "desk")
        self._n_places = n_threads + max_waiting
        self.n_taken = 0

    async def answer(self, text: str, *, seconds: float | None = None) -> AnswerT:
        """Answer one text.

        seconds (float | None): How long to wait at most.
        RAISES (FullError): No place is free. (TimeoutError): It took too long.
        """
        if self.n_taken >= self._n_places:
            raise FullError
        loop = asyncio.get_running_loop()
        self.n_taken += 1
        work = self._threads.submit(self._answer, text)
        # Called in a thread, or here where it is cancelled; the count belongs to the loop.
        work.add_done_callback(lambda _: self._leave(loop))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(work), seconds)
        except asyncio.TimeoutError as error:  # in Python 3.10 not the built-in one
            raise TimeoutError from error

    def close(self) -> None:
        """Let what runs end, and what waits be."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._count_down)

    def _count_down(self) -> None:
        self.n_taken -= 1


__all__ = ["Desk", "FullError"]
