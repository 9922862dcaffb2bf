"""The tests of spaCy and of spacy-transformers, run against ours.

    python benchmarks/incumbent_tests.py                 # what is installed here
    python benchmarks/incumbent_tests.py --methods A B

They ship inside the installed packages and are read from there, unchanged; pytest plugins put ours
where the other's own would be (`incumbents/`). Encoders are tiny and random. Only tests that have
met something of ours count. Every failure has its reason in one line, or the exit code is 1. Needs
pytest and hypothesis; spacy-transformers for C1 and C2.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from incumbents.methods import METHODS, Method, run
from incumbents.reasons import explain
from machine import describe_machine
from report import RESULTS, write_json

PACKAGES = ("spacy", "spacy-transformers", "thinc", "torch", "transformers")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, write. RETURNS: 1 if a failure has no reason."""
    options = parse_arguments(arguments)
    results = []
    for method in METHODS:
        if method.key in options.methods:
            results.append(measure(method))
            print(format_result(results[-1]), flush=True)
    path = RESULTS / f"{options.name}.json"
    results = join(path, results)
    write_json(path, {**describe_run(), "methods": results})
    (RESULTS / f"{options.name}.md").write_text(format_table(results), encoding="utf-8")
    return int(any(not failure["reason"] for r in results for failure in r["failures"]))


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    keys = [method.key for method in METHODS]
    parser.add_argument("--methods", nargs="*", default=keys, choices=keys)
    parser.add_argument("--name", default="incumbent_tests", help="name of the result files")
    return parser.parse_args(arguments)


def join(path: Path, results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep what is known of methods that were not run this time."""
    known = json.loads(path.read_text(encoding="utf-8"))["methods"] if path.exists() else []
    by_key = {result["key"]: result for result in (*known, *results)}
    return [by_key[method.key] for method in METHODS if method.key in by_key]


def measure(method: Method) -> dict[str, Any]:
    """Run the tests of one method, and find out why some fail."""
    begin = time.perf_counter()
    outcomes = run(method)
    result = {"key": method.key, "title": method.title, "package": method.package}
    if outcomes is None:
        return {**result, "not_run": f"{method.package} is not installed", "failures": []}
    met = [outcome for outcome in outcomes if outcome.has_met_ours]
    others = [outcome for outcome in outcomes if not outcome.has_met_ours]
    failed = [outcome for outcome in outcomes if outcome.outcome == "failed"]
    reasons = explain(method, failed)
    count = {
        name: sum(outcome.outcome == name for outcome in met)
        for name in ("passed", "failed", "skipped", "expected to fail")
    }
    failures = [
        {"test": outcome.test, "reason": reasons.get(outcome.test, ""), "why": outcome.why[:160]}
        for outcome in failed
    ]
    seconds = round(time.perf_counter() - begin, 1)
    return {**result, **count, "n_others": len(others), "failures": failures, "seconds": seconds}


def describe_run() -> dict[str, Any]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {"machine": describe_machine(threads=1), "versions": versions}


def format_result(result: dict[str, Any]) -> str:
    """One method for the terminal: the numbers, then a line for each failure."""
    title = f"{result['key']}  {result['title']}"
    if "not_run" in result:
        return f"{title}: not run, {result['not_run']}"
    lines = [
        f"{title}: {result['passed']} passed, {len(result['failures'])} failed "
        f"({result['n_others']} others meet nothing of ours)"
    ]
    for failure in result["failures"]:
        lines.append(f"    {failure['test']}")
        lines.append(f"        {failure['reason'] or 'NOT EXPLAINED: ' + failure['why']}")
    return "\n".join(lines)


def format_table(results: Sequence[dict[str, Any]]) -> str:
    """All methods as Markdown, failures gathered by their reasons."""
    lines = ["| what becomes ours | tests passed | failed |", "|---|---:|---:|"]
    for result in results:
        passed = result.get("passed", result.get("not_run"))
        lines.append(f"| {result['title']} | {passed} | {len(result['failures'])} |")
    lines += ["", "| failed | why |", "|---|---|"]
    for result in results:
        reasons: dict[str, list[str]] = {}
        for failure in result["failures"]:
            name = failure["test"].rpartition("::")[2]
            reasons.setdefault(failure["reason"] or "not explained", []).append(name)
        for reason, names in reasons.items():
            shown = ", ".join(f"`{name}`" for name in names)
            lines.append(f"| {result['key']}: {shown} | {reason} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
