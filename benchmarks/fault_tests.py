"""Run the tests that show rows of the table of faults, and say how each ended."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


def run_tests(ids: Iterable[str], *, seconds: float = 3600) -> dict[str, str]:
    """Run tests once each. RETURNS (dict): "passed", "failed" or "skipped", by id.

    A test with parameters has failed if it has with any of them, and has passed if it has with
    one at least. What did not run has failed.
    """
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-q", "--tb=short", "-p", "no:cacheprovider", "-o", "junit_family=xunit1"]
        subprocess.run(
            [sys.executable, "-m", "pytest", *options, f"--junitxml={report}", *wanted],
            cwd=ROOT,
            env={"OMP_NUM_THREADS": "1", **os.environ},
            stdout=sys.stderr,
            timeout=seconds,
            check=False,
        )
        found = read_report(report) if report.exists() else {}
    return {name: found.get(name, FAILED) for name in wanted}


def read_report(path: Path) -> dict[str, str]:
    """Read a report of pytest. RETURNS (dict): How tests ended, by id without parameters."""
    ends: dict[str, set[str]] = {}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('file')}::{case.get('name', '').partition('[')[0]}"
        kinds = {child.tag for child in case}
        end = FAILED if kinds & {"failure", "error"} else SKIPPED if "skipped" in kinds else PASSED
        ends.setdefault(name, set()).add(end)
    return {name: merge_ends(found) for name, found in ends.items()}


def merge_ends(ends: Iterable[str]) -> str:
    """One end out of several: the worst, where skipping is no end if anything ran."""
    found = set(ends)
    return next((end for end in (FAILED, PASSED) if end in found), SKIPPED)
