"""Which vectors an encoder holds for which Docs, until every listener has read them.

Docs are known by identity. The store does not keep a Doc alive, and nothing of it travels with
a Doc when that is copied or written to bytes.
"""

import threading
import weakref
from collections import deque
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from spacy.tokens import Doc

# Vectors of earlier calls that may wait for a listener (a disabled one never comes), in tokens.
MAX_WAITING = 65_536


class Activations:
    """The vectors of one Doc.

    outputs: By name: "tokens" of shape (n_tokens, width), pooled ones of shape (1, width).
        Empty when they have been released.
    n_tokens: Length of the Doc when the encoder ran.
    readers: Listeners that have read them.
    """

    __slots__ = ("__weakref__", "n_tokens", "outputs", "readers")

    def __init__(self, n_tokens: int, outputs: dict[str, Any]) -> None:
        self.n_tokens = n_tokens
        self.outputs = outputs
        self.readers: set[int] = set()


class TokenVectors(np.ndarray[Any, Any]):
    """Token vectors in `doc.tensor` that remember which encoder made them.

    Slices remember it too, so a component that works on `span.as_doc()` (the entity linker
    does) gets the vectors that belong to the span, and never those of somebody else.
    """

    owner: object | None
    is_lent: bool  # the store takes it back; what `keep` leaves on a Doc stays

    def __array_finalize__(self, array: Any) -> None:
        self.owner = getattr(array, "owner", None)
        self.is_lent = False


class Waiting:
    """Calls whose vectors may not have been read yet, oldest first: their Docs and tokens."""

    def __init__(self) -> None:
        self.calls: deque[tuple[list[weakref.ref[Doc]], int]] = deque()
        self.n_tokens = 0


class ActivationStore:
    """Activations by Doc, with a bound on what waits for listeners that do not come."""

    def __init__(self) -> None:
        self.token = object()  # marks `doc.tensor` as this encoder's
        self._by_doc: WeakKeyDictionary[Doc, Activations] = WeakKeyDictionary()
        self._local = threading.local()

    def add(self, docs: Sequence[Doc], activations: Sequence[Activations]) -> None:
        """Hold what the encoder has just computed, and let go of too much from before.

        The newest call is never let go of: its listeners are about to read. Calls of other
        threads are not looked at.
        """
        waiting = self._find_waiting()
        while waiting.calls:
            alive = [found for ref in waiting.calls[0][0] if (found := ref()) is not None]
            if alive and waiting.n_tokens <= MAX_WAITING:
                break
            waiting.n_tokens -= waiting.calls.popleft()[1]
            for doc in alive:
                self.release(doc)
        for doc, item in zip(docs, activations, strict=True):
            self._by_doc[doc] = item
            if not doc.tensor.size and isinstance(item.outputs.get("tokens"), np.ndarray):
                vectors = item.outputs["tokens"].view(TokenVectors)
                vectors.owner, vectors.is_lent = self.token, True
                doc.tensor = vectors
        n_tokens = sum(item.n_tokens for item in activations)
        waiting.calls.append(([weakref.ref(doc) for doc in docs], n_tokens))
        waiting.n_tokens += n_tokens

    def find(self, doc: Doc) -> Activations | None:
        """What is known of a Doc, if the encoder has run on it."""
        return self._by_doc.get(doc)

    def find_slice(self, doc: Doc, width: int) -> Any | None:
        """Vectors that a Doc made from a span of another has inherited. Shape: (n_tokens, width)"""
        tensor = doc.tensor
        if getattr(tensor, "owner", None) is self.token and tensor.shape == (len(doc), width):
            return np.asarray(tensor)
        return None

    def release(self, doc: Doc) -> None:
        """Drop the vectors of a Doc. That the encoder has run on it stays known."""
        item = self._by_doc.get(doc)
        if item is not None and item.outputs:
            item.outputs = {}
            tensor = doc.tensor
            if getattr(tensor, "owner", None) is self.token and tensor.is_lent:
                doc.tensor = np.zeros((0,), dtype="float32")

    def _find_waiting(self) -> "Waiting":
        if not hasattr(self._local, "waiting"):
            self._local.waiting = Waiting()
        waiting: Waiting = self._local.waiting
        return waiting

    def __deepcopy__(self, memo: dict[int, Any]) -> "ActivationStore":
        return ActivationStore()

    def __reduce__(self) -> tuple[type["ActivationStore"], tuple[()]]:
        return ActivationStore, ()
