"""One memory zone of spaCy's for all threads of a service.

A vocabulary keeps every string that it has ever seen, so a service that lives long should work in
memory zones: https://spacy.io/usage/memory-management. But a zone belongs to the vocabulary and not
to a thread: when one thread leaves its zone, spaCy forgets the strings of all the others, and their
Docs with them. Here all are in the same zone, which is left when nobody is inside.

    thread 1   [text][text]   [text]     |    [text]
    thread 2     [  text  ][text][text]  |  [text]
    zone       [------------------------]| [--------     a new one after so many texts
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Condition

from spacy.language import Language

from ..errors import Errors, SettingError


class SharedZone:
    """A memory zone that threads enter and leave as they like.

    No Doc, and nothing that belongs to one, may be used after the block that made it. Do not enter
    it twice in one thread, nor use zones of spaCy's beside it.

    nlp (Language): The pipeline that the threads share.
    n_texts (int): After so many entries nobody is let in until all are out, which takes as long as
        the slowest text that is being worked on. Then the zone is renewed.
    RAISES (SettingError): `n_texts` is not a whole number of at least 1.
    """

    def __init__(self, nlp: Language, *, n_texts: int = 1000) -> None:
        if not isinstance(n_texts, int) or isinstance(n_texts, bool) or n_texts < 1:
            raise SettingError(Errors.SB513.format(got=n_texts))
        self._nlp, self._n_texts = nlp, n_texts
        self._condition = Condition()
        self._zone = ExitStack()
        self._n_inside = self._n_entries = 0

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Be inside for as long as the block takes."""
        with self._condition:
            self._condition.wait_for(lambda: self._n_entries < self._n_texts)
            if not self._n_entries:
                self._zone.enter_context(self._nlp.memory_zone())
            self._n_entries += 1
            self._n_inside += 1
        try:
            yield
        finally:
            with self._condition:
                self._n_inside -= 1
                if not self._n_inside and self._n_entries >= self._n_texts:
                    self._leave()

    def close(self) -> None:
        """Let go of the strings, once nobody is inside."""
        with self._condition:
            self._condition.wait_for(lambda: not self._n_inside)
            self._leave()

    def _leave(self) -> None:
        self._zone.close()
        self._n_entries = 0
        self._condition.notify_all()
