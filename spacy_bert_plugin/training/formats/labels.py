"""Cells and values -> labels of a text."""

from collections.abc import Iterable
from pathlib import Path

from ...errors import DataError, Errors
from .options import FormatOptions


def split_labels(cell: str, options: FormatOptions) -> list[str]:
    """Split a cell into its labels; an empty cell has none.

    A label may contain a comma. So a comma splits only where a label list knows every part and
    not the whole, and any other text only where `label_sep` says so.
    """
    cell = cell.strip()
    if not cell:
        return []
    if options.label_sep is not None:
        return [part.strip() for part in cell.split(options.label_sep) if part.strip()]
    parts = [part.strip() for part in cell.split(",")]
    names = options.labels
    if names is None or _find_label(cell, names) is not None:
        return [cell]
    return parts if all(_find_label(part, names) is not None for part in parts) else [cell]


def resolve_labels(
    labels: Iterable[str], options: FormatOptions, *, path: Path, line: int
) -> dict[str, float]:
    """Turn labels, or their numbers in the label list, into categories.

    RETURNS (dict): Label -> 1.0.
    RAISES (DataError): a label is not in the list, or the task wants another number of them.
    """
    names = options.labels
    cats = {}
    for label in labels:
        name = label if names is None else _find_label(label, names)
        if name is None:
            raise DataError(
                Errors.SB641.format(path=path, line=line, n_labels=len(names or ()), got=label)
            )
        cats[name] = 1.0
    check_exclusive(cats, options, path=path, line=line)
    return cats


def check_exclusive(
    cats: dict[str, float], options: FormatOptions, *, path: Path, line: int
) -> None:
    """Check that a text has one label where the task says that labels exclude each other.

    RAISES (DataError): it has none, or several.
    """
    positive = [label for label, value in cats.items() if value > 0]
    if options.wants_one_label and len(positive) != 1:
        got = ", ".join(positive) or "none"
        raise DataError(Errors.SB642.format(path=path, line=line, task=options.task, got=got))


def _find_label(text: str, names: tuple[str, ...]) -> str | None:
    """Find a label by its name, or else by its number from 0."""
    if text in names:
        return text
    if text.isascii() and text.isdigit() and int(text) < len(names):
        return names[int(text)]
    return None
