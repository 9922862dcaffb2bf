"""Where sentences end."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from ..errors import Errors, SettingError

KINDS = ("spacy", "lines", "none")
MAX_CHARACTERS = 100_000


class Splitter(Protocol):
    """Cuts paragraphs and Docs into sentences."""

    def split(self, lines: Sequence[str]) -> Iterator[str]:
        """Cut the lines of one paragraph."""

    def split_doc(self, doc: Any) -> Iterator[str]:
        """Cut a Doc that comes from a file."""


class LineSplitter:
    """Each line is a sentence."""

    def split(self, lines: Sequence[str]) -> Iterator[str]:
        """Cut the lines of one paragraph."""
        for line in lines:
            yield from line.split("\n")

    def split_doc(self, doc: Any) -> Iterator[str]:
        """Cut the text of a Doc at its line ends."""
        yield from doc.text.split("\n")


class NoSplitter:
    """Each paragraph is one sentence."""

    def split(self, lines: Sequence[str]) -> Iterator[str]:
        """Join the lines of one paragraph."""
        yield " ".join(lines)

    def split_doc(self, doc: Any) -> Iterator[str]:
        """Give the text of a Doc."""
        yield doc.text


class RuleSplitter:
    """spaCy's rules: at the punctuation that ends sentences in a language.

    lang: Language, whose tokenizer is used.
    """

    def __init__(self, lang: str) -> None:
        import spacy

        self.nlp = spacy.blank(lang)
        self.nlp.add_pipe("sentencizer")

    def split(self, lines: Sequence[str]) -> Iterator[str]:
        """Join the lines of one paragraph, and cut it anew."""
        for part in _cut(" ".join(lines)):
            yield from (sent.text.strip() for sent in self.nlp(part).sents)

    def split_doc(self, doc: Any) -> Iterator[str]:
        """Give the sentences that are stored in a Doc; without any, cut its text."""
        if doc.has_annotation("SENT_START"):
            yield from (sent.text.strip() for sent in doc.sents)
        else:
            yield from self.split([doc.text])


def find_splitter(kind: str, *, lang: str) -> Splitter:
    """Find what cuts sentences.

    kind: One of `KINDS`.
    lang: Language, for spaCy's rules.
    RAISES (SettingError): There is no such kind.
    """
    if kind not in KINDS:
        expected = " or ".join(map(repr, KINDS))
        raise SettingError(Errors.SB002.format(name="sentences", expected=expected, got=kind))
    if kind == "spacy":
        return RuleSplitter(lang)
    return LineSplitter() if kind == "lines" else NoSplitter()


def _cut(text: str) -> Iterator[str]:
    """Cut a text that is longer than spaCy takes, at white space where there is some."""
    while len(text) > MAX_CHARACTERS:
        border = text.rfind(" ", 1, MAX_CHARACTERS) + 1 or MAX_CHARACTERS
        yield text[:border]
        text = text[border:]
    yield text
