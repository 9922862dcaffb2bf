"""`check_component`: any component through every check that applies."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from spacy.language import Language

from ..errors import Errors, SettingError

# Imported for their checks, which they put on the list.
from . import (  # noqa: F401
    batch_rows,
    listening_rows,
    loading_rows,
    process_rows,
    text_rows,
    thread_rows,
    training_rows,
)
from .apart import run_apart
from .outputs import find_flaw
from .result import CHECKS, FAILED, PASSED, SKIPPED, Check, CheckResult, describe_error, run_check
from .subject import Subject, build_pipeline
from .texts import SENTENCES

START_ROW, START_TITLE = 0, "it is built, saved, loaded and predicts"
SECONDS = 120.0


def check_component(
    factory_or_nlp: str | Language,
    *,
    config: dict[str, Any] | None = None,
    rows: Iterable[int] | None = None,
    seconds: float = SECONDS,
    tell: Callable[[CheckResult], None] | None = None,
) -> list[CheckResult]:
    """Put a trainable component or a pipeline through the faults of docs/robustness.md.

    Nothing is presupposed but what spaCy asks of a component. A pipeline is saved to a temporary
    folder and loaded from there: the object that is handed in stays as it is.

    factory_or_nlp (str | Language): Name of a registered factory, from which a pipeline of this
        one component is made and initialised; or a pipeline that has weights.
    config (dict): Settings of the factory.
    rows (Iterable[int]): Numbers of the checks to make; all of them if there are none.
    seconds (float): How long a check in a process of its own may take.
    tell (Callable): Called with each result as it comes.
    RETURNS (list[CheckResult]): One a row, in order. A component that fails raises nothing.
    RAISES (SettingError): There is no such row, or nothing that could be checked.
    """
    wanted = find_rows(rows)
    if not isinstance(factory_or_nlp, str | Language):
        raise SettingError(Errors.SB830.format(got=type(factory_or_nlp).__name__))
    results: list[CheckResult] = []
    for result in _iter_results(factory_or_nlp, config, wanted, seconds):
        results.append(result)
        if tell is not None:
            tell(result)
    return results


def find_rows(rows: Iterable[int] | None) -> list[int]:
    """Sort the numbers of checks. RAISES (SettingError): There is no check of that number."""
    wanted = sorted(CHECKS) if rows is None else sorted(set(rows))
    unknown = [row for row in wanted if row not in CHECKS]
    if unknown:
        raise SettingError(Errors.SB831.format(got=unknown, expected=format_rows(CHECKS)))
    return wanted


def format_rows(rows: Iterable[int]) -> str:
    """Write numbers as ranges: "1-20, 22"."""
    spans: list[list[int]] = []
    for row in sorted(rows):
        if spans and row == spans[-1][1] + 1:
            spans[-1][1] = row
        else:
            spans.append([row, row])
    return ", ".join(f"{a}-{b}" if a != b else str(a) for a, b in spans)


def _iter_results(
    subject: str | Language, config: dict[str, Any] | None, rows: list[int], seconds: float
) -> Iterable[CheckResult]:
    with tempfile.TemporaryDirectory(prefix="check-") as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is what the component does that is looked at
        found = Subject(Path(name) / "pipeline", seconds=seconds)
        problem = _start(subject, config, found)
        yield CheckResult(START_ROW, START_TITLE, FAILED if problem else PASSED, problem or "")
        for row in rows:
            if problem:
                yield CheckResult(row, CHECKS[row].title, SKIPPED, "it could not be started")
            else:
                yield run_check(find_check(row), found)


def find_check(row: int) -> Check:
    """Find the check of a row, as it is made in this process."""
    found = CHECKS[row]
    return replace(found, func=partial(run_apart, row)) if found.is_apart else found


def _start(what: str | Language, config: dict[str, Any] | None, subject: Subject) -> str | None:
    try:
        if isinstance(what, str):
            build_pipeline(what, config, subject.folder)
        else:
            what.to_disk(subject.folder)
        if not subject.pipes:
            return "it has no component with a model"
        return find_flaw(subject.nlp(SENTENCES[0]), SENTENCES[0])
    except Exception as error:  # noqa: BLE001 (a component that fails is a result)
        return describe_error(error)
