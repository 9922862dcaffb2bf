"""Checks of components: any trainable component of spaCy's through the faults that we know of."""

from .result import FAILED, PASSED, SKIPPED, CheckResult
from .run import check_component, find_rows, format_rows

__all__ = [
    "FAILED",
    "PASSED",
    "SKIPPED",
    "CheckResult",
    "check_component",
    "find_rows",
    "format_rows",
]
