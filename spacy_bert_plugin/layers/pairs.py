"""Two texts in one Doc: a premise and a hypothesis, a question and its context.

    Where is Rome ?   Rome lies in Italy .        one Doc, in this order
    [---- first ---]  [----- second ----]         doc.spans["pair"]: two spans that cover it

A pair is a Doc like any other, so it travels as bytes, in a DocBin and through `nlp.pipe` with any
number of processes.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc, Span

from ..errors import DataError, Errors

PAIR_KEY = "pair"


class Pair(NamedTuple):
    """The two texts of a Doc. Together they cover it."""

    first: Span
    second: Span


def make_pair_doc(nlp: Language, first: str | Doc, second: str | Doc) -> Doc:
    """Make one Doc of two texts.

    nlp (Language): Whose tokenizer cuts what is a str. A Doc is taken with its annotation.
    first, second (str | Doc): The texts, neither of them empty.
    RETURNS (Doc): The texts one after the other; `doc.spans["pair"]` says where each lies.
    RAISES (DataError): One of them has no token.
    """
    docs = [nlp.make_doc(text) if isinstance(text, str) else text for text in (first, second)]
    for name, doc in zip(Pair._fields, docs, strict=True):
        if not len(doc):
            raise DataError(Errors.SB850.format(side=name, first=len(docs[0]), second=len(docs[1])))
    doc = Doc.from_docs(docs, ensure_whitespace=True)
    border = len(docs[0])
    doc.spans[PAIR_KEY] = [Span(doc, 0, border), Span(doc, border, len(doc))]
    return doc


def make_pair_docs(nlp: Language, pairs: Iterable[tuple[str | Doc, str | Doc]]) -> Iterator[Doc]:
    """Make a Doc of each pair, for `nlp.pipe`. See `make_pair_doc`."""
    for first, second in pairs:
        yield make_pair_doc(nlp, first, second)


def read_pair(doc: Doc) -> Pair | None:
    """Find the two texts of a Doc, or None where it is no pair.

    RAISES (DataError): `doc.spans["pair"]` is there and is not two spans that cover the Doc.
    """
    if PAIR_KEY not in doc.spans:
        return None
    spans = list(doc.spans[PAIR_KEY])
    borders = [border for span in spans for border in (span.start, span.end)]
    if len(spans) != 2 or borders != [0, spans[0].end, spans[0].end, len(doc)]:
        raise DataError(Errors.SB851.format(key=PAIR_KEY, n_tokens=len(doc), got=borders))
    return Pair(*spans)
