"""Checks in a process of their own: it may hang, die, or be left in disorder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

from .result import Skip, Verdict, shorten
from .subject import Subject

# Set by people who have met a hang; a component has to do without.
HELPERS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TOKENIZERS_PARALLELISM")
STEP = 0.5


def run_apart(row: int, subject: Subject) -> Verdict:
    """Make the check of a row in another process, and end it when its time is up."""
    if not hasattr(os, "fork"):
        return Skip("this system has no fork")
    command = [sys.executable, "-m", f"{__package__}.child", str(row), str(subject.folder)]
    process = subprocess.Popen(
        command,
        env={name: value for name, value in os.environ.items() if name not in HELPERS},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that its own children end with it
    )
    try:
        answer = _wait(process, subject.seconds)
    finally:
        _end_group(process)
    if answer is None:
        return f"it hangs or takes too long: ended after {subject.seconds:g} s"
    return read_answer(*answer, process.returncode)


def _wait(process: subprocess.Popen[str], seconds: float) -> tuple[str, str] | None:
    """Wait for what a process prints. RETURNS (tuple): None if its time is up.

    Time in which this process was held up as well (a suspended machine, a stopped job) does not
    count.
    """
    left, step = seconds, min(STEP, seconds)
    while left > 0:
        start = time.monotonic()
        try:
            return process.communicate(timeout=step)
        except subprocess.TimeoutExpired:
            left -= min(time.monotonic() - start, 2 * step)
    return None


def _end_group(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def read_answer(out: str, err: str, code: int) -> Verdict:
    """Read what `child.py` has printed, if it came to that."""
    lines = out.strip().splitlines()
    try:
        found: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        return shorten(f"ended with {code}: {err.strip()[-200:]}")
    if "unloaded" in found:
        return Skip(f"another process cannot load the pipeline: {found['unloaded']}")
    problem: str | None = found["problem"]
    return Skip(str(problem)) if found.get("is_skipped") else problem
