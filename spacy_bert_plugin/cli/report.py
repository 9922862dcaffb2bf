"""How commands speak: messages, tables, errors."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer
from wasabi import Printer

from ..errors import BertPluginError


@contextmanager
def report_errors() -> Iterator[None]:
    """End a command with a message instead of a traceback where the user can do something.

    RAISES (typer.Exit): code 1, after an error of this package, of the file system, or of an
        import that failed.
    """
    try:
        yield
    except (BertPluginError, ImportError, OSError) as error:
        text = Printer(no_print=True).fail(type(error).__name__, str(error))
        typer.echo(text, err=True)
        raise typer.Exit(1) from error


def print_table(rows: Sequence[Sequence[object]], *, header: Sequence[str]) -> None:
    """Print rows under a header: the first column to the left, numbers to the right."""
    cells = [[_show(cell) for cell in row] for row in rows]
    is_number = [
        all(isinstance(row[i], int) for row in rows) if rows else False for i in range(len(header))
    ]
    aligns = tuple("r" if number else "l" for number in is_number)
    text = Printer(no_print=True).table(cells, header=tuple(header), divider=True, aligns=aligns)
    typer.echo(text)


def _show(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
