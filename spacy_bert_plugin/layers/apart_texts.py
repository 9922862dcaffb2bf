"""Several texts in one Doc that the encoder reads apart from each other.

    Where is Rome ?   Rome lies in Italy .        one Doc, in this order
    [-- texts[0] --]  [---- texts[1] ----]        doc.spans["texts"]: spans that cover it
    C w w w w S       C w w w w w S               each in windows of its own

What is compared must be read alone: a text to search for, and those that may be found. Each is cut
in pieces by itself too, so its vectors are those of a Doc that holds nothing else. Where others
get one vector a Doc, these get one vector a text.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span

from ..errors import DataError, Errors
from ..pieces import Alignment, IntArray, TextPieces, Windows
from ..util.pairs import PAIR_KEY, TEXTS_KEY, join_texts


@dataclass(frozen=True)
class ApartTexts:
    """The texts of a batch of Docs, of which some have several.

    doc_texts: Number of texts of each Doc.
        Shape: (n_docs,), int64
    text_tokens: Tokens of each text.
        Shape: (n_texts,), int64
    window_texts: The text that each window belongs to.
        Shape: (n_windows,), int64
    """

    doc_texts: IntArray
    text_tokens: IntArray
    window_texts: IntArray


def make_texts_doc(nlp: Language, texts: Iterable[str | Doc]) -> Doc:
    """Make one Doc of several texts that are read apart from each other.

    nlp (Language): Whose tokenizer cuts what is a str. A Doc is taken with its annotation.
    texts (Iterable[str | Doc]): The texts, none of them empty: two that belong together, and
        others that do not belong to the first.
    RETURNS (Doc): The texts one after the other; `doc.spans["texts"]` says where each lies.
    RAISES (DataError): There is none, or one of them has no token.
    """
    docs = [nlp.make_doc(text) if isinstance(text, str) else text for text in texts]
    lengths = [len(doc) for doc in docs]
    if not docs or 0 in lengths:
        raise DataError(Errors.SB890.format(lengths=lengths))
    return join_texts(docs, TEXTS_KEY)


def read_texts(doc: Doc) -> list[Span]:
    """Find the texts of a Doc: those of `doc.spans["texts"]`, else the whole of it.

    RAISES (DataError): The spans do not cover the Doc one after the other.
    """
    if TEXTS_KEY not in doc.spans or not len(doc):
        return [doc[:]]
    spans = list(doc.spans[TEXTS_KEY])
    begins, ends = [span.start for span in spans], [span.end for span in spans]
    if [*begins, len(doc)] != [0, *ends] or any(not len(span) for span in spans):
        borders = list(zip(begins, ends, strict=True))
        raise DataError(Errors.SB891.format(key=TEXTS_KEY, n_tokens=len(doc), got=borders))
    return spans


def count_texts(doc: Doc) -> int:
    """Number of texts of a Doc, which is that of its pooled vectors: 1 for most."""
    return len(doc.spans[TEXTS_KEY]) if TEXTS_KEY in doc.spans and len(doc) else 1


def has_apart_texts(docs: Iterable[Doc]) -> bool:
    """Whether one of these Docs has texts that are read apart from each other."""
    return any(TEXTS_KEY in doc.spans for doc in docs)


def split_docs(docs: Sequence[Doc]) -> tuple[list[Doc], IntArray]:
    """Make a Doc of each text.

    RETURNS: The texts of all Docs in order, and how many each Doc has.
        Shape: (n_docs,)
    RAISES (DataError): The spans do not cover a Doc, or it is a pair as well.
    """
    texts = [list(_split(doc)) for doc in docs]
    counts = np.array([len(group) for group in texts], dtype=np.int64)
    return [text for group in texts for text in group], counts


def _split(doc: Doc) -> Iterator[Doc]:
    if TEXTS_KEY not in doc.spans:
        yield doc
        return
    if PAIR_KEY in doc.spans:
        raise DataError(Errors.SB892.format(key=TEXTS_KEY, pair=PAIR_KEY))
    for span in read_texts(doc):
        yield copy_span(span)


def copy_span(span: Span) -> Doc:
    """Make a Doc of the tokens of a span, with the borders of sentences and nothing else.

    `span.as_doc()` asks for the span's vector, and keeps the white space after it.
    """
    spaces = [bool(token.whitespace_) for token in span]
    has_sents = span.doc.has_annotation("SENT_START")
    return Doc(
        span.doc.vocab,
        words=[token.text for token in span],
        spaces=[*spaces[:-1], False] if spaces else [],
        sent_starts=[token.is_sent_start for token in span] if has_sents else None,
    )


def join_pieces(
    docs: Sequence[Doc], pieces: Sequence[TextPieces], doc_texts: IntArray
) -> list[TextPieces]:
    """Make the pieces of Docs of those of their texts."""
    found = iter(pieces)
    joined = []
    for doc, n_texts in zip(docs, doc_texts.tolist(), strict=True):
        own = [next(found) for _ in range(n_texts)]
        begins = [span.start_char for span in read_texts(doc)] if n_texts > 1 else [0]
        offsets = [text.offsets + begin for text, begin in zip(own, begins, strict=True)]
        ids = [text.ids for text in own]
        joined.append(TextPieces(np.concatenate(ids), np.concatenate(offsets)))
    return joined


def join_rows(
    alignment: Alignment, windows: Windows, doc_texts: IntArray
) -> tuple[Alignment, Windows, ApartTexts]:
    """Say of what is known by text to which Docs it belongs.

    Tokens, pieces and windows are numbered through, so none of them moves.
    """
    owners = np.repeat(np.arange(len(doc_texts)), doc_texts)
    counts = [
        np.bincount(owners, weights=count, minlength=len(doc_texts)).astype(np.int64)
        for count in (alignment.doc_tokens, alignment.doc_pieces)
    ]
    apart = ApartTexts(doc_texts, alignment.doc_tokens, windows.docs)
    joined = replace(alignment, doc_tokens=counts[0], doc_pieces=counts[1])
    return joined, replace(windows, docs=owners[windows.docs]), apart
