"""Short memory, said in the words of the user: which Docs, and what to change."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from spacy.tokens import Doc

from ..batching.engine import is_out_of_memory
from ..errors import BertPluginError, Errors, OutOfMemoryError


@contextmanager
def explain_memory(docs: Sequence[Doc], *, is_train: bool) -> Iterator[None]:
    """Let a want of memory inside the block end in an error that says what to change.

    By then batches have been halved down to one window.

    docs (Sequence[Doc]): What was encoded.
    is_train (bool): Whether it was for an update.
    RAISES (OutOfMemoryError): In the place of torch's error, which is its cause.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # torch's own is a RuntimeError
        if isinstance(error, BertPluginError) or not is_out_of_memory(error):
            raise
        counts = [len(doc) for doc in docs]
        message = Errors.SB541 if is_train else Errors.SB540
        raise OutOfMemoryError(
            message.format(
                n_docs=len(docs),
                n_tokens=sum(counts),
                longest=max(counts, default=0),
                error=str(error).split("\n")[0][:200] or type(error).__name__,
            )
        ) from error
