"""Saves killed at random moments, in the short form of benchmarks/kill_saves.py."""

import subprocess
import sys

import pytest

from tests.faults.conftest import BENCHMARKS


@pytest.mark.skipif(sys.platform == "win32", reason="children are forked")
def test_what_is_left_loads() -> None:
    result = subprocess.run(
        [sys.executable, str(BENCHMARKS / "kill_saves.py"), "--n", "2"],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,  # a hang would be a failure, a busy machine is none
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "saving: " in result.stdout
    assert "training: " in result.stdout
    assert "lost" not in result.stdout
