"""How commands speak: messages, tables, errors."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unicodedata import east_asian_width

import typer
from wasabi import Printer

from ..errors import BertPluginError

# wasabi only formats; click prints, which leaves colours out where no terminal reads them
PRINTER = Printer(no_print=True)
GAP = "   "


@contextmanager
def report_errors() -> Iterator[None]:
    """End a command with a message instead of a traceback where the user can do something.

    RAISES (typer.Exit): code 1, after an error of this package, of the file system, or of an
        import that failed.
    """
    try:
        yield
    except (BertPluginError, ImportError, OSError) as error:
        typer.echo(PRINTER.fail(type(error).__name__, str(error)), err=True)
        raise typer.Exit(1) from error


def say_good(text: str) -> None:
    """Print what went well."""
    typer.echo(PRINTER.good(text))


def say_warning(text: str, more: str = "") -> None:
    """Print what to look at."""
    typer.echo(PRINTER.warn(text, more))


def print_table(rows: Sequence[Sequence[object]], *, header: Sequence[str]) -> None:
    """Print rows under a header: words to the left, numbers to the right."""
    typer.echo(format_table(rows, header=header) + "\n")


def format_table(rows: Sequence[Sequence[object]], *, header: Sequence[str]) -> str:
    """Lay out rows under a header in columns as wide as a terminal shows them.

    rows (Sequence): Cells; a column of whole numbers is set to the right.
    header (Sequence[str]): Titles, one a column.
    """
    cells = [[f"{c:,}" if isinstance(c, int) else str(c) for c in row] for row in rows]
    widths = [max(map(_measure, column)) for column in zip(header, *cells, strict=True)]
    is_number = [all(isinstance(row[i], int) for row in rows) for i in range(len(header))]
    lines = [header, ["-" * width for width in widths], *cells]
    return "\n".join(
        GAP.join(
            _pad(cell, width, to_right=right)
            for cell, width, right in zip(line, widths, is_number, strict=True)
        ).rstrip()
        for line in lines
    )


def _measure(text: str) -> int:
    """Count terminal columns: most East Asian characters take two."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _pad(text: str, width: int, *, to_right: bool) -> str:
    blank = " " * (width - _measure(text))
    return blank + text if to_right else text + blank
