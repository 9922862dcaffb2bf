"""What a check is, what it finds, and the list of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .subject import Subject

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclass(frozen=True)
class Skip:
    """A check that cannot be made of this component, and the reason."""

    reason: str


@dataclass(frozen=True)
class CheckResult:
    """One row of the table.

    row (int): Number in the table of faults.
    title (str): What is done to the component.
    status (str): "passed", "failed" or "skipped".
    reason (str): Why it failed or was skipped; empty where it passed.
    seconds (float): How long it took.
    """

    row: int
    title: str
    status: str
    reason: str = ""
    seconds: float = 0.0


# What a check gives back: nothing if all is well, why not, or why it does not apply.
Verdict: TypeAlias = "str | Skip | None"
CheckFunc: TypeAlias = "Callable[[Subject], Verdict]"


@dataclass(frozen=True)
class Check:
    """A function with its row and title.

    is_apart (bool): It runs in a process of its own, since it may hang, or end with it.
    """

    row: int
    title: str
    func: CheckFunc
    is_apart: bool = False


CHECKS: dict[int, Check] = {}
LONGEST_REASON = 300


def check(row: int, title: str, *, is_apart: bool = False) -> Callable[[CheckFunc], CheckFunc]:
    """Put the function under its row of the table of faults."""

    def register(func: CheckFunc) -> CheckFunc:
        CHECKS[row] = Check(row, title, func, is_apart)
        return func

    return register


def run_check(check: Check, subject: Subject) -> CheckResult:
    """Make one check; whatever it raises is a failure of the component."""
    start = perf_counter()
    try:
        verdict = check.func(subject)
    except Exception as error:  # noqa: BLE001 (what a component raises is what is looked for)
        verdict = describe_error(error)
    seconds = round(perf_counter() - start, 2)
    if isinstance(verdict, Skip):
        return CheckResult(check.row, check.title, SKIPPED, verdict.reason, seconds)
    status = FAILED if verdict else PASSED
    return CheckResult(check.row, check.title, status, shorten(verdict or ""), seconds)


def describe_error(error: BaseException) -> str:
    """Name the kind of an error and the beginning of its message, in one line."""
    message = " ".join(str(error).split())
    kind = type(error).__name__
    return shorten(f"{kind}: {message}" if message else f"{kind} without a message")


def shorten(reason: str) -> str:
    """Cut a reason to what fits a table."""
    reason = reason.encode("utf8", "backslashreplace").decode("utf8")
    return reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 3] + "..."


def find_first(problems: Iterator[str | None]) -> str | None:
    """Give the first problem there is."""
    return next((problem for problem in problems if problem), None)
