"""The script of the checks: what it names exists, and versions agree with those of the package."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / ".ci" / "run"
TEXT = SCRIPT.read_text(encoding="utf8")


def read_words(name: str) -> list[str]:
    """Words of a variable of the script."""
    match = re.search(rf'^{name}="([^"]*)"', TEXT, flags=re.MULTILINE)
    assert match is not None
    return match[1].split()


def run(*args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([SCRIPT, *args], capture_output=True, text=True, check=False)


def test_it_prints_the_readmes_command() -> None:
    done = run("--print")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"<!-- ci:test -->\n```bash\n{done.stdout}```\n" in (ROOT / "README.md").read_text(
        "utf8"
    )


def test_a_step_that_does_not_exist() -> None:
    done = run("9")
    assert (done.returncode, "no step '9'" in done.stderr) == (2, True)


def test_spacy_versions_are_the_oldest_and_the_pinned_one() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf8")
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf8")
    oldest = re.search(r'"spacy>=([\d.]+),', pyproject)
    pinned = re.search(r"^spacy==([\d.]+)$", constraints, flags=re.MULTILINE)
    assert oldest is not None
    assert pinned is not None
    assert read_words("SPACY_VERSIONS") == [oldest[1], pinned[1]]


@pytest.mark.parametrize("path", read_words("SPACY_TESTS"))
def test_what_is_tested_with_them_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_python_versions_are_supported_ones() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf8")
    for version in read_words("PYTHON_VERSIONS"):
        assert f"Programming Language :: Python :: {version}" in pyproject
