"""Streams of Docs through a component: sizes are checked, and one bad Doc takes no other along."""

from collections.abc import Iterable, Iterator
from typing import Any

from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.util import minibatch

from ..errors import Errors, SettingError


class StreamedPipe(TrainablePipe):
    """A component whose batches are tried again, a Doc at a time, where one of them fails."""

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotate a stream of Docs, a batch at a time, in order.

        batch_size (int): Number of Docs to buffer.
        RAISES (SettingError): `batch_size` is not a whole number of at least 1.
        """
        check_batch_size(batch_size)
        return self._pipe(stream, batch_size)

    def _pipe(self, stream: Iterable[Doc], batch_size: int) -> Iterator[Doc]:
        for batch in minibatch(stream, size=batch_size):
            try:
                self.set_annotations(batch, self.predict(batch))
            except Exception as error:  # noqa: BLE001 (spaCy's error handler decides)
                if len(batch) == 1:
                    self.get_error_handler()(self.name, self, batch, error)
                else:  # one at a time, so that only the Docs at fault are lost
                    yield from self._pipe(batch, 1)
                continue
            yield from batch


def check_batch_size(batch_size: Any) -> None:
    """RAISES (SettingError): It is not a whole number of at least 1."""
    if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1:
        raise SettingError(Errors.SB510.format(got=batch_size))
