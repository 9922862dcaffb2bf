"""The table of faults: every row, for our components and for those of other plugins.

    python benchmarks/faults.py
    python benchmarks/faults.py --against OTHER_ENVIRONMENT/bin/python --page docs/robustness.md

A row is shown by `check_component`, by tests (`faults/rows.json` names them), or by both. Of the
other plugins, which are checked in an environment that has them, it is `check_component` alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from fault_systems import CURATED, MIXED, OURS, TRF
from fault_table import draw_table, format_counts, make_table, read_rows, write_page
from fault_tests import FAILED, run_tests
from machine import describe_line, describe_machine
from report import RESULTS, write_json

HERE = Path(__file__).resolve().parent
CHECKER = HERE / "fault_systems.py"


def check_system(system: str, *, python: str, seconds: float, keep: Path | None) -> dict[str, Any]:
    """Put one system through `check_component`, in a process of its own.

    keep: Folder in which results stay, and from which they are taken if they are there.
    RETURNS (dict): "versions" and, by row, "checks"; or "error".
    """
    with tempfile.TemporaryDirectory() as folder:
        name = "".join(char for char in system if char.isalnum())
        output = (keep or Path(folder)) / f"{name}.json"
        if output.exists():
            return read_checks(output)
        output.parent.mkdir(parents=True, exist_ok=True)
        arguments = [system, folder, str(output), str(seconds)]
        done = subprocess.run(
            [python, "-W", "ignore", str(CHECKER), *arguments],
            env={"OMP_NUM_THREADS": "1", **os.environ},
            check=False,
        )
        if not output.exists():
            return {"error": f"ended with {done.returncode}", "versions": {}, "checks": []}
        return read_checks(output)


def read_checks(path: Path) -> dict[str, Any]:
    """Read what `fault_systems.py` has written."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf8"))
    return found


def main() -> int:
    """Run what is asked for, print the table, write results, picture and page."""
    args = parse_arguments()
    rows = read_rows()
    systems = {OURS: sys.executable}
    if args.against:
        systems |= dict.fromkeys((MIXED, TRF, CURATED), args.against)
    found = {
        system: check_system(system, python=python, seconds=args.seconds, keep=args.keep)
        for system, python in systems.items()
    }
    ends = {} if args.no_tests else run_tests(name for row in rows for name in row["tests"])
    checks = {
        system: {check["row"]: check for check in result["checks"]}
        for system, result in found.items()
    }
    table = make_table(rows, checks, ends)
    report(table, {s: result["versions"] for s, result in found.items()}, args)
    failed = [row["row"] for row in table if row["results"][OURS]["status"] == FAILED]
    failed += [0] if "error" in found[OURS] else []
    if failed:
        print(f"failed: rows {failed}")
    return int(bool(failed))


def report(table: list[dict[str, Any]], versions: dict[str, Any], args: Any) -> None:
    """Print and write a table."""
    print("\n".join(format_counts(table)))
    machine = describe_machine(threads=1)
    results = {"machine": machine, "versions": versions, "rows": table}
    write_json(args.output.with_suffix(".json"), results)
    draw_table(args.output.with_suffix(".png"), table, foot=describe_line(machine))
    if args.page:
        write_page(args.page, table)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--against", help="python of an environment with the other plugins")
    parser.add_argument("--seconds", type=float, default=90, help="longest time for a process")
    parser.add_argument("--no-tests", action="store_true", help="check_component alone")
    parser.add_argument("--keep", type=Path, help="folder of results that need no second run")
    parser.add_argument("--output", type=Path, default=RESULTS / "faults")
    parser.add_argument("--page", type=Path, help="page to put the table into")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
