"""Two texts in one Doc: a premise and a hypothesis, a question and its context.

    Where is Rome ?   Rome lies in Italy .        one Doc, in this order
    [---- first ---]  [----- second ----]         doc.spans["pair"]: two spans that cover it

A pair is a Doc like any other, so it travels as bytes, in a DocBin and through `nlp.pipe` with any
number of processes.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..errors import DataError, Errors

PAIR_KEY = "pair"
# Texts that are read apart from each other: layers/apart_texts.py.
TEXTS_KEY = "texts"
TEXT_KEYS = (PAIR_KEY, TEXTS_KEY)


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
    return join_texts(docs, PAIR_KEY)


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


def join_texts(docs: Sequence[Doc], key: str) -> Doc:
    """Lay texts one after the other, with spans that say where each lies.

    docs (Sequence[Doc]): At least one, none of them empty.
    key (str): Where the spans go in `doc.spans`.
    """
    doc = Doc.from_docs(docs, ensure_whitespace=True)
    ends = list(accumulate(map(len, docs)))
    doc.spans[key] = [Span(doc, end - len(text), end) for text, end in zip(docs, ends, strict=True)]
    return doc


def retokenize_texts(nlp: Language, reference: Doc, *, keep_tokens: bool = False) -> Doc | None:
    """Make a Doc of the same texts without annotation, as the other side of a training example.

    reference (Doc): An annotated Doc.
    keep_tokens (bool): Whether to keep its tokens, or else have the pipeline's tokenizer cut each
        text. Words whose spaces are not known are kept in any case.
    RETURNS (Doc | None): None for a Doc of one text.
    """
    key = next((key for key in TEXT_KEYS if key in reference.spans), None)
    if key is None:
        return None
    spans = list(reference.spans[key])
    if not keep_tokens and not reference.has_unknown_spaces:
        return join_texts([nlp.make_doc(span.text) for span in spans], key)
    words, spaces = zip(
        *((token.text, bool(token.whitespace_)) for token in reference), strict=True
    )
    doc = Doc(nlp.vocab, words=words, spaces=spaces)
    doc.spans[key] = [doc[span.start : span.end] for span in spans]
    return doc


def check_sides(examples: Iterable[Example]) -> None:
    """Check that both sides of each example know of the same texts.

    spaCy's own readers make the predicted side of an example from the text alone: the encoder
    would read a pair as one text.

    RAISES (DataError): The reference is a Doc of several texts, and the predicted Doc is not.
    """
    for example in examples:
        for key in TEXT_KEYS:
            if key in example.reference.spans and key not in example.predicted.spans:
                raise DataError(Errors.SB854.format(key=key))


def check_pairs(docs: Iterable[Doc], *, name: str) -> None:
    """Check that Docs are pairs, for a component that takes nothing else.

    name (str): Of the component, for the message.
    RAISES (DataError): One is not.
    """
    for doc in docs:
        if read_pair(doc) is None:
            raise DataError(Errors.SB860.format(name=name, n_tokens=len(doc), key=PAIR_KEY))
