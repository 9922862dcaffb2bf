"""Rows 1 to 29: what goes in."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from . import texts as t
from .outputs import compare, find_blank, find_flaw, get_vectors, read_doc
from .result import Skip, Verdict, check, describe_error, find_first
from .subject import Subject

NO_VECTORS = Skip("it leaves no vectors of tokens on a Doc")
TAIL = " Play some music in the kitchen of the house in Berlin."


@check(1, "an empty text")
def check_empty(subject: Subject) -> Verdict:
    """No tokens, no vectors, no numbers that are not finite."""
    return find_flaw(subject.vectors_nlp(""), "")


def _check_texts(texts: Iterable[str], subject: Subject, *, with_vectors: bool = False) -> Verdict:
    def look(text: str) -> str | None:
        doc = subject.vectors_nlp(text)
        problem = find_flaw(doc, text) or (find_blank(doc) if with_vectors else None)
        return f"{text[:20]!a}: {problem}" if problem else None

    return find_first(look(text) for text in texts)


for _row, _title in {
    2: "white space alone",
    3: "spaces of other widths alone",
    4: "zero-width characters alone",
    5: "soft hyphen, variation selector, combining mark alone",
    6: "NUL and control characters",
    7: "replacement, private and unassigned characters",
}.items():
    check(_row, _title)(partial(_check_texts, t.BLANKS[_row]))


@check(8, "families, flags, skin tones")
def check_emoji(subject: Subject) -> Verdict:
    """Every token has numbers that are finite."""
    return _check_texts(t.EMOJI, subject)


@check(9, "200 combining marks on one letter")
def check_combined(subject: Subject) -> Verdict:
    """Finite, with the text unchanged."""
    return _check_texts(t.COMBINED, subject)


check(10, "right-to-left text and overrides")(
    partial(_check_texts, t.RIGHT_TO_LEFT, with_vectors=True)
)


@check(11, "composed and decomposed characters")
def check_forms(subject: Subject) -> Verdict:
    """Every word has a vector in both forms."""
    forms = (unicodedata.normalize(form, w) for w in t.TWO_FORMS for form in ("NFC", "NFD"))
    return _check_texts([f"the {word} is good" for word in forms], subject, with_vectors=True)


check(12, "characters that change their length in lower case")(
    partial(_check_texts, t.CHANGING, with_vectors=True)
)


def _check_refused(subject: Subject, values: Iterable[Any]) -> Verdict:
    """An error for each value, and the pipeline as it was."""
    for value in values:
        try:
            subject.nlp(value)
        except Exception:  # noqa: BLE001 (which one is the component's business)
            continue
        return f"{value!a:.40} was accepted"
    problem = subject.compare(subject.nlp)
    return f"afterwards: {problem}" if problem else None


check(13, "a lone surrogate")(lambda subject: _check_refused(subject, ["bad \ud800 text"]))


@check(14, "100 random texts of all Unicode categories")
def check_random(subject: Subject) -> Verdict:
    """One vector a token, finite, text unchanged."""
    return _check_texts(t.make_random_texts(100), subject)


check(15, "naughty strings")(partial(_check_texts, t.NAUGHTY))


@check(16, "special pieces typed by a user")
def check_specials(subject: Subject) -> Verdict:
    """They are plain text: their tokens have vectors of their own, and not the one of a piece."""
    flaw = _check_texts([f"the {word} is {word}" for word in t.SPECIALS], subject)
    if flaw:
        return flaw
    if get_vectors(subject.vectors_nlp("the house")) is None:
        return NO_VECTORS
    for word in t.SPECIALS:
        doc = subject.vectors_nlp(f"the {word} is good")
        vectors = get_vectors(doc)
        if vectors is None or len(vectors) != len(doc):
            return f"{word}: no vectors"
        if any((vectors[i] == vectors[i + 1]).all() for i in range(1, len(doc) - 3)):
            return f"{word} was read as one piece with a meaning of its own"
    return None


check(17, "marks of vocabularies as text")(partial(_check_texts, t.MARKED))


@check(18, "one word of 100,000 characters", is_apart=True)
def check_long_word(subject: Subject) -> Verdict:
    """One vector a token, and time that grows no faster than the text."""
    flaw = _check_texts(["a" * 100_000], subject)
    return flaw or _check_growth(subject, lambda nlp, n: nlp.make_doc("ab" * (12_500 * n)))


def _check_tail(subject: Subject, word: str, *, least: float) -> Verdict:
    """The words after a huge one have vectors, like those that they have after a short one."""
    nlp = subject.vectors_nlp
    short, long = nlp("x" + TAIL), nlp(word + TAIL)
    flaw = find_flaw(long, word + TAIL) or find_blank(long)
    if flaw:
        return flaw
    ours, theirs = get_vectors(long), get_vectors(short)
    if ours is None or theirs is None:
        return NO_VECTORS
    a, b = ours[-10:], theirs[-10:]
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = float(((a * b).sum(axis=1) / np.maximum(norms, 1e-12)).min())
    return None if cosine >= least else f"cosine to the vectors after a short word: {cosine:.2f}"


@check(19, "a URL of 20,000 characters before a sentence", is_apart=True)
def check_url(subject: Subject) -> Verdict:
    """The tokens after it have vectors."""
    return _check_tail(subject, "http://a.de/" + "y/z-" * 5_000, least=-1.0)


@check(20, "a word longer than a window between two sentences", is_apart=True)
def check_neighbours(subject: Subject) -> Verdict:
    """The tokens after it have vectors much like the ones that they have after a short word."""
    return _check_tail(subject, "Good. " + "q1w2e3r4" * 400 + " .", least=0.3)


@check(22, "time for n and for 2n emoji, parentheses, quotes", is_apart=True)
def check_quadratic(subject: Subject) -> Verdict:
    """No component takes more than three times as long for twice as many."""

    def make(char: str, nlp: Language, n: int) -> Doc:
        return Doc(nlp.vocab, words=[char] * (1_500 * n), spaces=[False] * (1_500 * n))

    for char in ("\U0001f600", "(", '"'):
        verdict = _check_growth(subject, partial(make, char))
        if verdict:
            return f"{char!a}: {verdict}"
    return None


def _check_growth(subject: Subject, make: Callable[[Language, int], Doc]) -> str | None:
    """Compare the processor time of components for a Doc and for one that is twice as long."""
    nlp = subject.nlp

    def measure(n: int) -> float:
        doc = make(nlp, n)
        start = time.process_time()
        for _, pipe in nlp.pipeline:
            doc = pipe(doc)
        return time.process_time() - start

    measure(1)
    best = 99.0
    for _ in range(4):  # the smallest, as other work can only add
        short, long = measure(1), measure(2)
        best = min(best, long / max(short, 0.02))
        if best < 3:
            return None
    return f"{best:.1f} times the time for twice the text"


@check(23, "a text over nlp.max_length")
def check_max_length(subject: Subject) -> Verdict:
    """Refused."""
    nlp = subject.load()
    nlp.max_length = 100
    try:
        nlp("a " * 100)
    except ValueError:
        return None
    return "accepted"


check(24, "None, int, nan, list, bytes instead of a text")(
    lambda subject: _check_refused(subject, [None, 3, float("nan"), ["the"], b"the house"])
)


class Text(str):
    """A kind of str."""


@check(25, "np.str_ and other kinds of str")
def check_kinds_of_str(subject: Subject) -> Verdict:
    """The same as a plain str."""
    for kind in (Text, np.str_):
        try:
            subject.nlp.make_doc(kind("the house"))
        except TypeError as error:
            return Skip(f"the tokenizer, which is spaCy's, refuses {kind.__name__}: {error}")
        docs = [subject.nlp(kind(text)) for text in t.SENTENCES]
        problem = subject.compare_docs(docs)
        if problem:
            return f"{kind.__name__}: {problem}"
    return None


@check(26, "a Doc of another vocabulary, or with odd spaces")
def check_foreign_docs(subject: Subject) -> Verdict:
    """Processed or refused."""
    vocabs = {"another vocabulary": Vocab(), "odd spaces": subject.vectors_nlp.vocab}
    words = ["the", " ", "house", "  ", "is", "\n", "good", " "]
    for name, vocab in vocabs.items():
        doc = Doc(vocab, words=words, spaces=[True, False] * 4)
        text = doc.text
        try:
            doc = subject.vectors_nlp(doc)
        except Exception as error:  # noqa: BLE001
            if not str(error):
                return f"{name}: {describe_error(error)} without a message"
            continue
        flaw = find_flaw(doc, text)
        if flaw:
            return f"{name}: {flaw}"
    return None


@check(27, "tokens merged between encoder and components")
def check_merged(subject: Subject) -> Verdict:
    """An error, or the answer for the tokens that there are now."""
    if not subject.listeners:
        return Skip("no component listens to another")
    nlp = subject.nlp
    text = t.SENTENCES[1]
    merged = nlp.make_doc(text)
    _merge(merged)
    expected = read_doc(nlp(merged))
    doc, is_merged = nlp.make_doc(text), False
    try:
        for name, pipe in nlp.pipeline:
            if name in subject.listeners and not is_merged:
                _merge(doc)
                is_merged = True
            doc = pipe(doc)
    except Exception as error:  # noqa: BLE001
        return None if str(error) else f"{describe_error(error)} without a message"
    return _compare_answers(read_doc(doc), expected, subject.tolerance)


def _merge(doc: Doc) -> None:
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[1:3])


def _compare_answers(got: Any, expected: Any, tolerance: float) -> str | None:
    """Compare what the components say; vectors on the Doc are of the tokens that there were."""
    for reading in (got, expected):
        for name in ("vectors", "mean vector"):
            reading.numbers.pop(name, None)
    return compare(got, expected, tolerance=tolerance)


@check(28, "tokens with spaces in them")
def check_spaced_tokens(subject: Subject) -> Verdict:
    """They have vectors like others."""
    nlp = subject.vectors_nlp
    words = ["in", "New York", "a  b", "is", " good "]
    doc = nlp(Doc(nlp.vocab, words=words))
    return find_flaw(doc) or find_blank(doc)


check(29, "scripts that the vocabulary lacks")(partial(_check_texts, t.FOREIGN))
