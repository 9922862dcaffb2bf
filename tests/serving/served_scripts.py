"""Scripts in a process of their own: a hang is what many of these tests are about."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

# A busy machine may be slow without hanging.
SECONDS = 240
RunScript = Callable[..., "subprocess.CompletedProcess[str]"]


def run_code(
    code: str, *arguments: object, options: tuple[str, ...] = (), **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run Python code with these arguments, and variables of the environment; "" unsets one."""
    unset = {"OMP_NUM_THREADS", "TOKENIZERS_PARALLELISM", *environment}
    known = {name: value for name, value in os.environ.items() if name not in unset}
    return subprocess.run(
        [sys.executable, *options, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf8",
        check=False,
        timeout=SECONDS,
        env={**known, **{name: value for name, value in environment.items() if value}},
    )


def begin_code(code: str, model: Path) -> "subprocess.Popen[str]":
    """Start a process with a group of its own, and wait until it prints 'ready'."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(model)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process
