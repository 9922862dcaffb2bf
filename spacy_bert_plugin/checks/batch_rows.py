"""Rows 30 to 40: how much goes in at once."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from .outputs import compare, find_flaw, read_doc
from .result import Skip, Verdict, check, find_first
from .subject import Subject
from .texts import SENTENCES


@check(30, "no texts at all")
def check_nothing(subject: Subject) -> Verdict:
    """Nothing comes out."""
    streams: list[Any] = [[], iter(()), iter([])]
    found = [len(list(subject.nlp.pipe(stream))) for stream in streams]
    return f"{found} documents" if any(found) else None


@check(31, "empty texts alone")
def check_empty_batch(subject: Subject) -> Verdict:
    """Documents without tokens, without numbers that are not finite."""
    docs = list(subject.vectors_nlp.pipe([""] * 5))
    if len(docs) != 5:
        return f"{len(docs)} documents and not 5"
    return find_first(find_flaw(doc, "") for doc in docs)


@check(32, "empty texts between others")
def check_empty_between(subject: Subject) -> Verdict:
    """The others get what they get alone."""
    for places in ([0], [len(SENTENCES)], [3, 3], list(range(len(SENTENCES) + 1))):
        texts = list(SENTENCES)
        for place in sorted(places, reverse=True):
            texts.insert(place, "")
        docs = list(subject.nlp.pipe(texts, batch_size=len(texts)))
        if len(docs) != len(texts):
            return f"{len(docs)} documents and not {len(texts)}"
        problem = subject.compare_docs([doc for doc in docs if len(doc)])
        if problem:
            return f"empty at {places}: {problem}"
    return None


@check(33, "a text alone and in a batch")
def check_batch(subject: Subject) -> Verdict:
    """The same vectors to 1e-5 (in fp32), the same annotation, in order."""
    sizes = (1, 2, 3, len(SENTENCES))
    expected = [read_doc(subject.vectors_nlp(text)) for text in SENTENCES]
    for size in sizes:
        docs = list(subject.vectors_nlp.pipe(SENTENCES, batch_size=size))
        for index, (doc, reading) in enumerate(zip(docs, expected, strict=True)):
            problem = compare(read_doc(doc), reading, tolerance=subject.tolerance)
            if problem:
                return f"batches of {size}, document {index}: {problem}"
    return None


@check(34, "batch_size of 0, -1, 10**9, '8'")
def check_batch_size(subject: Subject) -> Verdict:
    """An error or every document, never fewer without a word."""
    sizes: list[Any] = [0, -1, "8", 10**9]
    for size in sizes:
        try:
            docs = list(subject.nlp.pipe(SENTENCES, batch_size=size))
        except Exception as error:  # noqa: BLE001
            if size == 10**9 or not str(error):
                return f"batch_size={size!r}: {type(error).__name__} {error}"
            continue
        problem = subject.compare_docs(docs)
        if problem:
            return f"batch_size={size!r}: {problem}"
    return None


@check(35, "a source that fails half way")
def check_failing_source(subject: Subject) -> Verdict:
    """What came before is delivered, the error passed on, the pipeline as it was."""

    def stream() -> Iterator[str]:
        yield from SENTENCES[:4]
        raise KeyError("the source broke")

    got: list[Doc] = []
    try:
        got.extend(subject.nlp.pipe(stream(), batch_size=1))
    except KeyError:
        pass
    else:
        return "the error was lost"
    if len(got) < 4:
        return f"{len(got)} of 4 documents were delivered"
    return subject.compare(subject.nlp)


class _BadDocError(RuntimeError):
    pass


@check(36, "one bad document, with an error handler set")
def check_error_handler(subject: Subject) -> Verdict:
    """For each component in turn: the others of the batch are delivered."""
    for name in subject.pipes:
        nlp = subject.load()
        problem = _lose_one(nlp, name)
        if problem:
            return f"'{name}': {problem}"
    return None


def _lose_one(nlp: Language, name: str) -> str | None:
    """Let one component fail at one document of a batch."""
    pipe, bad = nlp.get_pipe(name), SENTENCES[2]
    failed: list[str] = []
    annotate = pipe.set_annotations

    def fail(docs: Sequence[Doc], *args: Any) -> None:
        if any(doc.text == bad for doc in docs):
            raise _BadDocError(f"a bad document: {bad}")
        annotate(docs, *args)

    pipe.set_annotations = fail
    nlp.set_error_handler(lambda _name, _pipe, docs, _error: failed.extend(d.text for d in docs))
    texts = [doc.text for doc in nlp.pipe(SENTENCES, batch_size=len(SENTENCES))]
    if bad in texts:
        return "the bad document came through"
    n_lost = len(SENTENCES) - 1 - len(texts)
    if n_lost:
        return f"{n_lost} good documents were lost with it"
    return None if bad in failed else "the error handler was not told which"


@check(37, "two streams of one pipeline, read in turns")
def check_interleaved(subject: Subject) -> Verdict:
    """Each gives what it gives by itself."""
    one = subject.nlp.pipe(SENTENCES, batch_size=2)
    two = subject.nlp.pipe(reversed(SENTENCES), batch_size=3)
    pairs = list(itertools.zip_longest(one, two))
    problem = subject.compare_docs([a for a, _ in pairs])
    return problem or subject.compare_docs([b for _, b in reversed(pairs)])


@check(38, "a consumer that stops early")
def check_early_stop(subject: Subject) -> Verdict:
    """No thread stays behind, and the pipeline is as it was."""
    list(subject.nlp.pipe(SENTENCES))
    before = threading.active_count()
    for _ in range(5):
        stream = subject.nlp.pipe(SENTENCES * 10, batch_size=4)
        if len(list(itertools.islice(stream, 3))) != 3:
            return "too few documents"
        del stream
    n_left = threading.active_count() - before
    return f"{n_left} threads stayed behind" if n_left > 0 else subject.compare(subject.nlp)


@check(39, "one long document in a batch of short ones")
def check_padding(subject: Subject) -> Verdict:
    """It takes about as long as the long one alone: the short ones are not filled up to it."""
    nlp = subject.nlp
    long, short = "the house is good " * 500, ["rain"] * 63

    def measure(texts: Sequence[str]) -> float:
        docs = [nlp.make_doc(text) for text in texts]
        start = time.process_time()
        for _ in nlp.pipe(docs, batch_size=len(docs)):
            pass
        return time.process_time() - start

    measure([long])
    ratio = 99.0
    for _ in range(4):
        ratio = min(ratio, measure([long, *short]) / max(measure([long]) + measure(short), 0.05))
        if ratio < 2:
            return None
    return f"{ratio:.1f} times the time of both apart"


# Settings that say how texts are cut and batched, in the components that we know of, and values
# that cannot work.
IMPOSSIBLE = {
    "window": [0, -1],
    "stride": [0, -1],
    "overlap": [-1, 10**6],
    "max_pieces": [0, -1, 10**6],
    "batch_pieces": [0, -1],
    "max_batch_items": [0, -1],
    "batch_size": [0, -1],
}


@check(40, "windows and batches of impossible sizes in the config")
def check_config(subject: Subject) -> Verdict:
    """An error before the first prediction."""
    places = [
        (name, path, value)
        for name, settings in subject.nlp.config["components"].items()
        for path in _walk(settings)
        for value in IMPOSSIBLE.get(path[-1], [])
    ]
    if not places:
        return Skip("its config has no setting for windows or batches")
    for name, path, value in places:
        setting = ".".join(["components", name, *path])
        try:
            subject.load({setting: value})
        except Exception as error:  # noqa: BLE001
            if not str(error):
                return f"{setting} = {value}: an error without a message"
        else:
            return f"{setting} = {value} was accepted"
    return None


def _walk(settings: Any) -> Iterator[tuple[str, ...]]:
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from ((key, *rest) for rest in _walk(value))
        else:
            yield (key,)
