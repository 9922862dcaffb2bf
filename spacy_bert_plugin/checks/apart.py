"""Checks in a process of their own: it may hang, die, or be left in disorder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

from .result import Skip, Verdict, shorten
from .subject import Subject

# Set by people who have met a hang; a component has to do without.
HELPERS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TOKENIZERS_PARALLELISM")


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
        out, err = process.communicate(timeout=subject.seconds)
    except subprocess.TimeoutExpired:
        return f"it hangs or takes too long: ended after {subject.seconds:g} s"
    finally:
        _end_group(process)
    return read_answer(out, err, process.returncode)


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
