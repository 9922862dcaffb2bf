"""Rows 21 and 44 to 52: processes, interrupts, copies."""

from __future__ import annotations

import asyncio
import copy
import os
import random
import signal
import threading
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language

from .outputs import Reading, compare, find_flaw, read_doc
from .result import Verdict, check, find_first
from .subject import Subject, make_examples, read_all
from .texts import SENTENCES

TOLERANCE = 1e-3  # other numbers of threads give other last digits
LONG = 60_000
MEMORY = 1 << 30


@check(44, "n_process=2 after a prediction", is_apart=True)
def check_processes(subject: Subject) -> Verdict:
    """Everything comes out, with the same annotation."""
    nlp = subject.nlp
    expected = read_all(nlp, SENTENCES)
    docs = list(nlp.pipe(SENTENCES * 3, n_process=2, batch_size=4))
    if len(docs) != 3 * len(SENTENCES):
        return f"{len(docs)} documents came out"
    pairs = zip(docs, expected * 3, strict=True)
    # What components keep beside a Doc does not travel between processes.
    return find_first(
        None if read_doc(doc).labels == reading.labels else "other annotation"
        for doc, reading in pairs
    )


@check(48, "worker processes forked after a prediction", is_apart=True)
def check_fork(subject: Subject) -> Verdict:
    """They answer as the process does that they come from."""
    nlp = subject.nlp
    expected = read_all(nlp, SENTENCES)
    workers = []
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            _answer_in_fork(nlp, expected)
        workers.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in workers]
    return f"workers ended with {codes}" if any(codes) else None


def _press(is_over: threading.Event) -> None:
    """Press Ctrl-C, and again if nothing happens: code in C may swallow an interrupt."""
    wait = 0.7
    while not is_over.wait(wait):
        os.kill(os.getpid(), signal.SIGINT)
        wait = 8.0


def _answer_in_fork(nlp: Language, expected: list[Reading]) -> None:
    """Predict and end, with 0 if all is as expected; never come back."""
    code = 2
    try:
        pairs = zip(read_all(nlp, SENTENCES), expected, strict=True)
        code = int(any(compare(a, b, tolerance=TOLERANCE) for a, b in pairs))
    finally:
        os._exit(code)


@check(49, "40 requests through asyncio.to_thread", is_apart=True)
def check_asyncio(subject: Subject) -> Verdict:
    """Each answer is the one that its text gets alone."""
    nlp = subject.nlp
    expected = read_all(nlp, SENTENCES)

    async def serve() -> list[str | None]:
        async def answer(index: int) -> str | None:
            doc = await asyncio.to_thread(nlp, SENTENCES[index])
            return compare(read_doc(doc), expected[index], tolerance=0.0)

        numbers = [n % len(SENTENCES) for n in range(40)]
        return list(await asyncio.gather(*(answer(n) for n in numbers)))

    return find_first(iter(asyncio.run(serve())))


@check(50, "Ctrl-C while predicting and while training", is_apart=True)
def check_interrupts(subject: Subject) -> Verdict:
    """The pipeline predicts as before."""
    nlp = subject.nlp
    expected, examples = read_all(nlp, SENTENCES), make_examples(nlp)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background ignore it

    def predict() -> None:
        for _ in nlp.pipe(SENTENCES * 10_000):
            pass

    def train() -> None:
        while True:
            nlp.update(examples, drop=0.5, sgd=False)

    for name, work in {"predicting": predict, "training": train}.items():
        is_over = threading.Event()
        threading.Thread(target=_press, args=(is_over,), daemon=True).start()
        try:
            work()
        except KeyboardInterrupt:
            is_over.set()
        else:
            return f"{name}: the interrupt was lost"
        pairs = zip(read_all(nlp, SENTENCES), expected, strict=True)
        problem = find_first(compare(a, b, tolerance=0.0) for a, b in pairs)
        if problem:
            return f"after an interrupt while {name}: {problem}"
    return None


@check(52, "nothing of the process is changed", is_apart=True)
def check_globals(subject: Subject) -> Verdict:
    """No variables, no random numbers, no signal handlers; and nothing hangs without
    OMP_NUM_THREADS and TOKENIZERS_PARALLELISM."""
    nlp = subject.nlp
    variables = {k: v for k, v in os.environ.items() if k != "_"}
    handler = signal.getsignal(signal.SIGINT)
    list(nlp.pipe(SENTENCES))
    state = _copy_random_state()  # what is imported late has been
    list(nlp.pipe(SENTENCES))
    if {k: v for k, v in os.environ.items() if k != "_"} != variables:
        changed = {k for k, v in os.environ.items() if variables.get(k) != v}
        return f"variables of the environment were set: {sorted(changed)}"
    if _copy_random_state() != state:
        return "random numbers were drawn"
    return None if signal.getsignal(signal.SIGINT) is handler else "a signal handler was set"


def _copy_random_state() -> tuple[bytes, object]:
    state: Any = np.random.get_state()
    return state[1].tobytes(), random.getstate()


@check(21, "a document of 60,000 tokens within 1 GB more", is_apart=True)
def check_long(subject: Subject) -> Verdict:
    """Memory is bounded."""
    nlp = subject.nlp
    import resource

    nlp.max_length = 10**9
    nlp(SENTENCES[1])
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    text = "the house is good. " * (LONG // 5)
    doc = nlp(text)
    return find_flaw(doc, text) if len(doc) >= LONG else f"{len(doc)} tokens"


@check(51, "copies: deepcopy and pickle")
def check_copies(subject: Subject) -> Verdict:
    """They predict the same."""
    nlp = subject.load()
    problem = subject.compare(copy.deepcopy(nlp), tolerance=subject.tolerance)
    if problem:
        return f"deepcopy: {problem}"
    # What multiprocessing does with a pipeline that it hands to a spawned worker. These bytes
    # were made one line above; none that come from elsewhere are ever read this way.
    again = ForkingPickler.loads(bytes(ForkingPickler.dumps(nlp)))
    problem = subject.compare(again, tolerance=subject.tolerance)
    return f"pickle: {problem}" if problem else None
