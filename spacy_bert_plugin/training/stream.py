"""The batches of a run, in an order that nothing else disturbs and that can be repeated."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spacy.attrs import DEP, ENT_IOB, ENT_TYPE, HEAD, LEMMA, MORPH, ORTH, POS, SENT_START, TAG
from spacy.training import Example

from ..errors import DataError, Errors
from .randomness import HostState

# What of the gold annotation is compared when a run goes on.
ATTRIBUTES = (ORTH, TAG, POS, MORPH, LEMMA, DEP, HEAD, SENT_START, ENT_IOB, ENT_TYPE)
BatchT = list[Example]


class BatchStream(Iterator[tuple[int, BatchT]]):
    """Batches with a random stream of their own.

    The global generators of Python and NumPy are swapped for it while a batch is made, so that
    the order of the data depends on nothing that happens between two batches.

    batches (Iterator): Epoch and batch, made lazily.
    start (HostState): Where the random stream begins; the state of the global generators now,
        if None.
    """

    def __init__(
        self, batches: Iterator[tuple[int, Iterable[Example]]], *, start: HostState | None = None
    ) -> None:
        self.start = HostState.capture() if start is None else start
        self.n_batches = 0
        self._batches = batches
        self._state = self.start
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """Hash of all batches so far."""
        return self._hash.hexdigest()

    def __next__(self) -> tuple[int, BatchT]:
        outside = HostState.capture()
        self._state.restore()
        try:
            epoch, examples = next(self._batches)
            batch = list(examples)
        finally:
            self._state = HostState.capture()
            outside.restore()
        for example in batch:
            _hash_example(self._hash, example)
        self.n_batches += 1
        return epoch, batch

    def skip(self, n_batches: int, *, digest: str, path: Path) -> None:
        """Go through batches that an earlier run has learned from.

        All epochs are repeated from the first, because their order, and the size of batches that
        a schedule sets, follow from those before. It costs no more than reading.

        n_batches (int): How many.
        digest (str): What `digest` was after them.
        path (Path): The earlier run, for the message.
        RAISES (DataError): They are not the same batches.
        """
        for _ in range(n_batches):
            if next(self, None) is None:
                break
        if self.n_batches != n_batches or self.digest != digest:
            raise DataError(Errors.SB425.format(path=path, n_batches=n_batches))


def _hash_example(digest: Any, example: Example) -> None:
    doc = example.reference
    digest.update(doc.to_array(ATTRIBUTES).tobytes())
    if doc.cats:
        digest.update(repr(sorted(doc.cats.items())).encode())
    for key, group in doc.spans.items():
        spans = [(span.start, span.end, span.label) for span in group]
        digest.update(f"{key} {spans}".encode())
