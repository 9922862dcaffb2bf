"""Pytest plugin: one line of JSON for each test, in the file that OUTCOMES names."""

import json
import os
import sys
import unittest.mock
from typing import Any

import pytest

_counts = {"calls": 0}
sys.modules.setdefault("mock", unittest.mock)  # the same, in the package that spaCy's tests name


def pytest_configure(config: pytest.Config) -> None:
    """Count what is made and asked of ours, to tell which tests have met it."""
    from spacy_bert_plugin.layers import bert_encoder, listener
    from spacy_bert_plugin.layers.shim import BertShim

    for owner, name in (
        (BertShim, "__init__"),
        (bert_encoder, "start_encoder"),
        (listener.BertListener, "__init__"),
        (listener.BertListener, "read"),
    ):
        _count_calls(owner, name)


def pytest_runtest_setup(item: pytest.Item) -> None:
    _counts["calls"] = 0


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        is_expected = hasattr(report, "wasxfail") and report.skipped
        outcome = "expected to fail" if is_expected else str(report.outcome)
        _write(report.nodeid, outcome, _find_reason(report))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _write(report.nodeid, "failed", str(report.longrepr).strip().splitlines()[-1])


def _count_calls(owner: Any, name: str) -> None:
    called = getattr(owner, name)

    def count_and_call(*args: Any, **kwargs: Any) -> Any:
        _counts["calls"] += 1
        return called(*args, **kwargs)

    setattr(owner, name, count_and_call)


def _write(test: str, outcome: str, why: str) -> None:
    line = {
        "test": test.rpartition("/tests/")[2],
        "outcome": outcome,
        "has_met_ours": _counts["calls"] > 0,
        "why": why,
    }
    with open(os.environ["OUTCOMES"], "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _find_reason(report: pytest.TestReport) -> str:
    """Where and how a test failed, or why it was skipped."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:
        return ""
    return f"{os.path.basename(crash.path)}:{crash.lineno}: {crash.message}"
