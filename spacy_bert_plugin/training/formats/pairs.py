"""Rows of two texts, and rows with a score: which columns or keys they are, and their checks."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path

from ...errors import DataError, Errors
from .options import FormatOptions

# Names that say that there are two texts, in small letters.
PAIR_NAMES = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("text_a", "text_b"),
    ("question", "context"),
    ("question1", "question2"),
    ("sentence_a", "sentence_b"),
    ("text1", "text2"),
    ("query", "passage"),
)
SCORE_NAMES = ("score", "similarity", "relatedness_score", "relatedness", "rating", "label")
# Name of a score that no column names.
SCORE = "score"
SIDES = ("first", "second")
Names = tuple[str, str]


def find_pair(
    names: Collection[str], options: FormatOptions, *, take_half: bool = False
) -> Names | None:
    """Find the names of the two texts of a pair among those of columns or keys.

    take_half (bool): Whether one of two names is enough, so that the other one can be missed.
    RETURNS (tuple | None): None where there is one text.
    """
    if not options.may_be_pairs or (options.text_column and not options.second_text_column):
        return None
    lowered = {name.lower(): name for name in names}
    if options.second_text_column is not None:
        second = options.second_text_column
        partners = {b: a for a, b in PAIR_NAMES}
        guessed = lowered.get(partners.get(second.lower(), ""), "text")
        return options.text_column or guessed, second
    if options.task != "pairs" and "text" in lowered:
        return None
    whole = [pair for pair in PAIR_NAMES if lowered.keys() >= set(pair)]
    half = [pair for pair in PAIR_NAMES if lowered.keys() & set(pair)]
    found = whole or (half if take_half else [])
    if not found:
        return None
    first, second = found[0]
    return lowered.get(first, first), lowered.get(second, second)


def check_pair(texts: tuple[object, object], names: Names, *, path: Path, line: int) -> Names:
    """Check that both texts of a row are there.

    RETURNS (tuple): The texts.
    RAISES (DataError): One of them is missing, empty or no text.
    """
    for side, text, key in zip(SIDES, texts, names, strict=True):
        if isinstance(text, str) and text.strip():
            continue
        got = "absent" if text is None else f"of type {type(text).__name__}"
        got = "empty" if isinstance(text, str) else got
        raise DataError(Errors.SB855.format(path=path, line=line, side=side, key=key, got=got))
    first, second = texts
    return str(first), str(second)


def read_score(value: object, options: FormatOptions, *, key: str, path: Path, line: int) -> float:
    """Read a number out of a cell or a JSON value.

    RAISES (DataError): It is none, not finite, or out of the range of the options.
    """
    score = _parse(value)
    if isinstance(score, str):
        raise DataError(Errors.SB857.format(path=path, line=line, key=key, got=score))
    low, high = options.min_score, options.max_score
    if (low is not None and score < low) or (high is not None and score > high):
        low, high = -math.inf if low is None else low, math.inf if high is None else high
        place = {"path": path, "line": line, "key": key}
        raise DataError(Errors.SB858.format(**place, low=low, high=high, got=score))
    return score


def _parse(value: object) -> float | str:
    """A finite number, or what is there instead."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return f"a value of type {type(value).__name__}"
    try:
        score = float(value)
    except ValueError:
        return repr(value)
    return score if math.isfinite(score) else f"{score}, which is not finite"
