"""What stays on a Doc when all listeners have read it: the setting `keep`."""

import multiprocessing
from typing import Any, NoReturn

import numpy as np
from spacy.tokens import Doc, Span, Token

from ..errors import Errors, ListenerError

KEEPS = ("none", "doc", "tokens", "all")


class MissingVector:
    """Stands for a vector that was not kept; whatever is done with it raises the error.

    `span.as_doc()` copies `span.vector` whether or not anybody wants it. If the property itself
    raised, spans could not be copied any more.
    """

    def __init__(self, message: str) -> None:
        self.__dict__["_message"] = message

    def _fail(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ListenerError(self._message)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and not name.startswith("__array"):
            raise AttributeError(name)  # protocols that merely ask, such as copying
        raise ListenerError(self.__dict__["_message"])

    __array__ = __len__ = __iter__ = __getitem__ = __float__ = __bool__ = __repr__ = _fail
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __matmul__ = _fail
    __rmatmul__ = __truediv__ = __rtruediv__ = __neg__ = __pow__ = __abs__ = __eq__ = _fail
    __hash__ = object.__hash__

    def __deepcopy__(self, memo: dict[int, Any]) -> "MissingVector":
        return self

    def __reduce__(self) -> tuple[type["MissingVector"], tuple[str]]:
        return MissingVector, (self._message,)


class VectorGuard:
    """Answers for vectors that were not kept, under spaCy's user hooks.

    Hooks are shared by Docs made from spans of a Doc, so they look at what they are given and
    remember nothing of the Doc they were set on.
    """

    def __init__(self, name: str, keep: str) -> None:
        self.message = Errors.SB508.format(name=name, keep=keep)
        self.no_trf_data = Errors.SB509.format(name=name, keep=keep)
        self.keep = keep

    def install(self, doc: Doc) -> None:
        """Set the hooks that this `keep` needs.

        Hooks do not travel with a Doc out of a worker of `nlp.pipe(n_process=...)`; spaCy
        would only warn about them there. Static vectors of the vocabulary answer by themselves.
        """
        if doc.vocab.vectors.size or multiprocessing.parent_process() is not None:
            return
        doc.user_hooks["similarity"] = compare_vectors
        doc.user_hooks["has_vector"] = self.has_doc_vector
        if self.keep == "none":
            doc.user_hooks["vector"] = self.fail
        if self.keep in ("none", "doc"):
            doc.user_token_hooks.update(
                vector=self.fail, similarity=self.fail, has_vector=_say_no, vector_norm=self.fail
            )
            doc.user_span_hooks.update(
                vector=self.stand_in,
                vector_norm=self.stand_in,
                similarity=self.fail,
                has_vector=_say_no,
            )
        else:
            doc.user_token_hooks["similarity"] = compare_vectors
            doc.user_span_hooks["similarity"] = compare_vectors

    def has_doc_vector(self, doc: Doc) -> bool:
        return self.keep != "none" and len(doc) > 0

    def fail(self, *args: Any) -> NoReturn:
        raise ListenerError(self.message)

    def stand_in(self, span: Span) -> MissingVector:
        return MissingVector(self.message)


def compare_vectors(one: Doc | Span | Token, other: Any) -> float:
    """Cosine of two vectors; 0.0 where one of them is all zeros."""
    first, second = np.asarray(one.vector), np.asarray(other.vector)
    norms = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.dot(first, second)) / norms if norms else 0.0


def _say_no(target: Span | Token) -> bool:
    return False
