"""`vector` and `similarity` of Docs and spans from the vectors that `bert_embedder` has made.

Hooks are functions that look at what they are given: spaCy shares them with Docs that are made from
spans, and pickles them with the Doc.
"""

import multiprocessing
from functools import partial
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span, Token

from ..errors import Errors, ListenerError
from .keep import MissingVector, compare_vectors

EXTENSION = "embedding"


def install_embeddings() -> None:
    """Give Docs and spans the attribute `_.embedding`; None where nothing has set it."""
    for holder in (Doc, Span):
        if not holder.has_extension(EXTENSION):
            holder.set_extension(EXTENSION, default=None)


def set_hooks(doc: Doc, *, name: str, spans: str | None) -> None:
    """Let the vectors of a Doc and of its spans be those that were made by an embedder.

    Tokens keep what they have: vectors in their context with `keep = "tokens"`.

    name (str): Of the component, for messages.
    spans (str | None): Its setting.
    """
    message = Errors.SB896.format(what="{what}", name=name, spans=spans)
    doc.user_hooks.update(
        vector=partial(read_doc, message=message),
        vector_norm=measure_vector,
        has_vector=has_doc,
        similarity=compare,
    )
    doc.user_span_hooks.update(
        vector=partial(read_span, message=message),
        vector_norm=measure_vector,
        has_vector=has_span,
        similarity=compare,
    )


def may_set_hooks() -> bool:
    """Whether hooks stay: they do not travel with a Doc out of a worker of `nlp.pipe`, and spaCy
    would only warn about them there."""
    return multiprocessing.parent_process() is None


def read_doc(doc: Doc, *, message: str) -> Any:
    """Vector of a Doc. RAISES (ListenerError): It has none (it was made of a span)."""
    if doc._.embedding is not None:
        return doc._.embedding
    if doc.tensor.size:
        return doc.tensor.mean(axis=0)
    raise ListenerError(message.format(what="Doc"))


def read_span(span: Span, *, message: str) -> Any:
    """Vector of a span: its own, or the mean of its tokens where those were kept."""
    if span._.embedding is not None:
        return span._.embedding
    if span.doc.tensor.size and len(span):
        return span.doc.tensor[span.start : span.end].mean(axis=0)
    # `span.as_doc()` asks for it whether or not anybody wants it.
    return MissingVector(message.format(what="span"))


def measure_vector(target: Doc | Span) -> Any:
    """Length of a vector."""
    vector = target.vector
    return vector if isinstance(vector, MissingVector) else float(np.linalg.norm(vector))


def has_doc(doc: Doc) -> bool:
    return doc._.embedding is not None or bool(doc.tensor.size)


def has_span(span: Span) -> bool:
    return span._.embedding is not None or bool(span.doc.tensor.size)


def compare(one: Doc | Span, other: Doc | Span | Token) -> float:
    """Cosine of two vectors. RAISES (ListenerError): They are not of one width."""
    widths = len(one.vector), len(other.vector)
    if widths[0] != widths[1]:
        raise ListenerError(Errors.SB895.format(one=widths[0], other=widths[1]))
    return compare_vectors(one, other)
