"""Panics of the Rust tokenizer, which Python gets as an exception that nobody catches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def catch_panics(make: Callable[[str], Exception]) -> Iterator[None]:
    """Let a panic inside the block end in an error that callers can handle.

    A regular expression that gives up after too many steps, for one, panics. What arrives is no
    `Exception`, so it would pass every handler of a server and end its thread.

    make (Callable): Makes the error from the message of the panic.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # nobody can import the class
            raise
        raise make(str(error)[:200]) from None
