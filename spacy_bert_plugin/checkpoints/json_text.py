"""Strict JSON: no duplicate keys, no NaN, no numbers or nesting beyond reason."""

import json
import math
from typing import Any

from ..errors import CheckpointError, Errors

MAX_DIGITS = 20


def parse_json(text: str, *, source: str) -> dict[str, Any]:
    """Read a JSON object from a file that nobody vouches for.

    text (str): What the file holds.
    source (str): The file, for the message.
    RETURNS (dict[str, Any]): The object.
    RAISES (CheckpointError): It is not JSON, not an object, has a key twice, or holds NaN,
        infinity or numbers of more than `MAX_DIGITS` digits.
    """
    try:
        data = json.loads(
            text,
            object_pairs_hook=_make_object,
            parse_constant=_refuse,
            parse_int=_parse_int,
            parse_float=_parse_float,
        )
    except (ValueError, RecursionError) as error:
        message = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise CheckpointError(
            Errors.SB313.format(source=source, expected="JSON", error=message)
        ) from None
    if not isinstance(data, dict):
        got = f"it holds {type(data).__name__} instead of an object"
        raise CheckpointError(Errors.SB313.format(source=source, expected="JSON", error=got))
    return data


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise ValueError(f"the key {key[:80]!r} occurs twice")
        made[key] = value
    return made


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _parse_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _parse_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:MAX_DIGITS]} is out of range")
    return value
