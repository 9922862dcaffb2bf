"""Pipelines as they are named on a command line: `bf16=model-best,components.x.precision=bf16`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import Errors, SettingError

BATCH_SIZE = "nlp.batch_size"


@dataclass(frozen=True)
class Choice:
    """A pipeline to measure.

    name (str): What it is called in tables.
    path (str): Folder or package.
    overrides (dict): Values of its config that are changed, by dotted name.
    """

    name: str
    path: str
    overrides: dict[str, Any] = field(default_factory=dict)


def parse_choices(texts: Sequence[str]) -> list[Choice]:
    """Read several pipelines, whose names have to differ.

    Without a name of its own, a pipeline has that of its folder, or its path where another has
    the same.

    RAISES (SettingError): One cannot be read, or names are the same.
    """
    parsed = [parse_choice(text) for text in texts]
    folders = Counter(Path(path).name for name, path, _ in parsed if not name)
    choices = []
    for name, path, overrides in parsed:
        short = Path(path).name
        choices.append(Choice(name or (path if folders[short] > 1 else short), path, overrides))
    name, n = Counter(choice.name for choice in choices).most_common(1)[0]
    if n > 1:
        raise SettingError(Errors.SB704.format(n=n, name=name))
    return choices


def parse_choice(text: str) -> tuple[str, str, dict[str, Any]]:
    """Read one pipeline.

    text (str): `[NAME=]PATH[,SECTION.KEY=VALUE...]`; values are JSON, or else plain words. The
        path of a folder that is there is taken as it is, whatever characters it has.
    RETURNS (tuple): Name (maybe empty), path and overrides.
    RAISES (SettingError): There is no path, or an override has no dotted name.
    """
    if text and Path(text).is_dir():
        return "", text, {}
    first, *rest = _split(text)
    name, _, path = first.rpartition("=") if not Path(first).is_dir() else ("", "", first)
    if not path:
        raise SettingError(Errors.SB703.format(text=text, problem="the path is missing"))
    overrides: dict[str, Any] = {}
    for part in rest:
        key, equals, value = part.partition("=")
        if not equals or "." not in key:
            problem = f"'{part}' is not SECTION.KEY=VALUE"
            raise SettingError(Errors.SB703.format(text=text, problem=problem))
        overrides[key.strip()] = _parse_value(value)
    return name.strip(), path.strip(), overrides


def _split(text: str) -> list[str]:
    """Cut at commas, but not inside of a value that is a JSON list, object or string."""
    parts: list[str] = []
    for part in text.split(","):
        if len(parts) > 1 and _is_unfinished(parts[-1].partition("=")[2]):
            parts[-1] += f",{part}"
        else:
            parts.append(part)
    return parts


def _is_unfinished(value: str) -> bool:
    """Whether a value begins as JSON and ends too early."""
    try:
        json.loads(value)
    except ValueError:
        return value.startswith(("[", "{", '"'))
    return False


def _parse_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
