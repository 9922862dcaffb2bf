"""Docs from several processes, with an error where a process dies.

    texts ->  batch batch batch ->  worker 1  worker 2  ->  Docs, in order

`nlp.pipe(n_process=2)` waits for ever for a worker that was killed (for want of memory, say): every
worker holds the ends of the pipes of those before it open, so no end of file ever comes. Python's
own pool of processes watches the processes themselves.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from threading import Thread
from typing import Any

import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.tokens.underscore import Underscore

from ..errors import Errors, SettingError, WorkerError
from .streamed import check_batch_size

# Batches that each worker may have: one in work, one to go on with.
AHEAD = 2


def pipe_processes(
    nlp: Language,
    texts: Iterable[str | Doc],
    *,
    n_process: int = 2,
    batch_size: int = 64,
    start_method: str | None = None,
) -> Iterator[Doc]:
    """Run texts through a pipeline in several processes: each has a copy, and one thread.

    Processes are started with the first text and ended with the last one, or when the caller stops
    early. What an error leaves is like what `nlp.pipe` leaves: Docs before it have been handed on.

    nlp (Language): The pipeline.
    texts (Iterable[str | Doc]): Read as far ahead as workers need, never all at once.
    n_process (int): Number of processes.
    batch_size (int): Texts that travel together.
    start_method (str | None): "fork", "spawn" or "forkserver"; None for that of this system.
    YIELDS (Doc): With the vocabulary of `nlp`, in the order of the texts.
    RAISES (SettingError): A number is impossible. (WorkerError): A process has died.
    """
    check_batch_size(batch_size)
    if not isinstance(n_process, int) or isinstance(n_process, bool) or n_process < 1:
        raise SettingError(Errors.SB511.format(got=n_process))
    return _pipe(nlp, iter(texts), n_process, batch_size, start_method)


def _pipe(
    nlp: Language,
    texts: Iterator[str | Doc],
    n_process: int,
    batch_size: int,
    start_method: str | None,
) -> Iterator[Doc]:
    waiting: deque[Future[list[bytes]]] = deque()
    context = multiprocessing.get_context(start_method)
    pool = ProcessPoolExecutor(n_process, context, _start, (nlp, Underscore.get_state()))
    try:
        while True:
            while len(waiting) < AHEAD * n_process:
                batch = [_pack(text) for text in islice(texts, batch_size)]
                if not batch:
                    break
                waiting.append(pool.submit(_run, batch))
            if not waiting:
                return
            for packed in waiting.popleft().result():
                yield Doc(nlp.vocab).from_bytes(packed)
    except BrokenProcessPool as error:
        raise WorkerError(Errors.SB512.format(n_process=n_process)) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pack(text: str | Doc) -> str | bytes:
    return text.to_bytes() if isinstance(text, Doc) else text


# The pipeline of this process, if it is a worker.
_WORKING: list[Language] = []


def _start(nlp: Language, extensions: tuple[Any, ...]) -> None:
    """Make a process a worker."""
    # Ctrl-C reaches every process of a terminal: the parent decides what to do about it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    Underscore.load_state(extensions)  # a process that was not forked has none
    _WORKING[:] = [nlp]
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(batch: list[str | bytes]) -> list[bytes]:
    nlp = _WORKING[0]
    texts = [Doc(nlp.vocab).from_bytes(x) if isinstance(x, bytes) else x for x in batch]
    return [doc.to_bytes() for doc in nlp.pipe(texts, batch_size=len(texts))]
