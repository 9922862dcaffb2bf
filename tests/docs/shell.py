"""Bash blocks of pages: commands of spaCy run in this process, which has everything imported.

A new process imports PyTorch and spaCy again for every command, which takes seconds. What is more
than plain commands (pipes aside) runs in bash as a whole.
"""

import os
import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

MAX_SECONDS = 300
SPACY = ["python", "-m", "spacy"]
# What one line of bash leaves to the next, or takes more than one line to say.
NEEDS_ONE_SHELL = re.compile(
    r"<<|^\s*(cd|export|set|source|if|for|while|case|function|[A-Za-z_]\w*\+?=)\b|[{}]\s*$",
    re.MULTILINE,
)
NEEDS_BASH = re.compile(r"[|&;<>$`*?()~]")


def run_block(text: str, folder: Path) -> tuple[int, str]:
    """Run a block as `bash -euo pipefail` does.

    text (str): The block.
    folder (Path): Where; it is the current folder.
    RETURNS (tuple): The exit status of the first command that fails, or 0; what was printed.
    """
    if NEEDS_ONE_SHELL.search(text):
        return run_in_bash(text, folder)
    printed = ""
    for line in text.replace("\\\n", " ").splitlines():
        words = [] if NEEDS_BASH.search(line) else shlex.split(line, comments=True)
        status, output = run_here(words) if words[:3] == SPACY else run_in_bash(line, folder)
        printed += output
        if status:
            return status, printed
    return 0, printed


def run_in_bash(text: str, folder: Path) -> tuple[int, str]:
    """Run lines in a shell, with this Python first on its path."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env=make_environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=MAX_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def run_here(words: list[str]) -> tuple[int, str]:
    """Run a command of spaCy in this process, with the warnings that a user does not see."""
    from spacy.cli._util import app
    from spacy.util import registry
    from typer.testing import CliRunner

    registry.cli.get_all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = CliRunner().invoke(app, words[3:])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def make_environment(folder: Path) -> dict[str, str]:
    """This Python first, no network, no token and no cache of the person who runs the tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "PYTHON"))}
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": paths, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / ".cache")}
    return {**kept, **own, "OMP_NUM_THREADS": "1"}
