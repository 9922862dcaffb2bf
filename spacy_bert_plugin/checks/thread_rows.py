"""Rows 41 to 43 and 98: who works at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from spacy.language import Language

from .outputs import Reading, compare, read_doc
from .result import Verdict, check, describe_error, find_first
from .subject import Subject, read_all
from .texts import SENTENCES

N_THREADS = (2, 4, 8)
TEXTS = [text + " house" * (number % 5) for number, text in enumerate(SENTENCES * 3)]


@check(41, "2, 4 and 8 threads share the pipeline")
def check_threads(subject: Subject) -> Verdict:
    """Bit by bit what one thread gives."""
    nlp = subject.vectors_nlp
    expected = read_all(nlp, TEXTS)

    def work() -> str | None:
        return compare_all(read_all(nlp, TEXTS), expected, 0.0)

    return find_first(_run_threads(n_threads, work) for n_threads in N_THREADS)


@check(42, "threads with batches of different lengths")
def check_thread_batches(subject: Subject) -> Verdict:
    """No error, and the same as alone."""
    nlp = subject.vectors_nlp
    expected = read_all(nlp, TEXTS)
    sizes = iter(range(1, 100))

    def work() -> str | None:
        found: list[Reading] = []
        for doc in nlp.pipe(TEXTS, batch_size=next(sizes)):
            found.append(read_doc(doc))
        # Other batches round otherwise; what is looked for is far larger than that.
        return compare_all(found, expected, 10 * subject.tolerance)

    return _run_threads(8, work)


@check(43, "training in one thread, prediction in another")
def check_training_beside(subject: Subject) -> Verdict:
    """Predictions without dropout, or an error."""
    nlp = subject.load()
    examples = subject.make_examples(nlp)
    expected = read_all(nlp, SENTENCES)
    stop = threading.Event()

    def train() -> None:
        try:
            while not stop.is_set():
                nlp.update(examples, drop=0.5, sgd=False)
        except Exception:  # noqa: BLE001 (an error is an answer too; wrong numbers are not)
            return

    thread = threading.Thread(target=train, daemon=True)
    thread.start()
    try:
        problem = find_first(_predict(nlp, expected, subject.tolerance) for _ in range(8))
    finally:
        stop.set()
        thread.join(subject.seconds)
    return problem


@check(98, "predicting twice, and after an update with dropout")
def check_same_twice(subject: Subject) -> Verdict:
    """Bit by bit the same."""
    nlp = subject.load()
    problem = subject.compare(nlp, tolerance=0.0)
    if problem:
        return problem
    nlp.update(subject.make_examples(nlp), drop=0.5, sgd=False)
    problem = subject.compare(nlp, tolerance=0.0)
    return f"after an update that changes no weights: {problem}" if problem else None


def _predict(nlp: Language, expected: list[Reading], tolerance: float) -> str | None:
    try:
        found = read_all(nlp, SENTENCES)
    except Exception:  # noqa: BLE001 (an error is an answer too)
        return None
    return compare_all(found, expected, tolerance)


def compare_all(found: list[Reading], expected: list[Reading], tolerance: float) -> str | None:
    """Say where readings of the same texts differ, or None."""
    if len(found) != len(expected):
        return f"{len(found)} documents and not {len(expected)}"
    return find_first(
        f"document {index}: {problem}"
        for index, (a, b) in enumerate(zip(found, expected, strict=True))
        if (problem := compare(a, b, tolerance=tolerance))
    )


def _run_threads(n_threads: int, work: Callable[[], str | None]) -> str | None:
    """Run the same in several threads. RETURNS (str | None): The first problem."""
    problems: list[str | None] = []
    barrier = threading.Barrier(n_threads)

    def run() -> None:
        barrier.wait()
        try:
            problems.append(work())
        except Exception as error:  # noqa: BLE001
            problems.append(describe_error(error))

    threads = [threading.Thread(target=run, daemon=True) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [problem for problem in problems if problem]
    return f"{len(found)} of {n_threads} threads: {found[0]}" if found else None
