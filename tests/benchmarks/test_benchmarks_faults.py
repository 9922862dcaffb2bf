"""The table of faults: rows name tests that exist, and statuses are put together as documented."""

import json
import re
from pathlib import Path
from typing import Any

import fault_table
import fault_tests
import pytest
from fault_systems import OURS, TRF

ROOT = Path(__file__).parent.parent.parent
ROWS = fault_table.read_rows()


def test_every_row_is_there_once() -> None:
    assert [row["row"] for row in ROWS] == list(range(1, 113))
    assert all(row["title"] for row in ROWS)


def test_rows_name_tests_that_exist() -> None:
    names = {name for row in ROWS for name in row["tests"]}
    missing = []
    for name in names:
        path, _, function = name.partition("::")
        text = (ROOT / path).read_text(encoding="utf8") if (ROOT / path).exists() else ""
        if not re.search(rf"^def {function}\(", text, flags=re.MULTILINE):
            missing.append(name)
    assert missing == []


CHECK_PASSED, CHECK_FAILED = {"status": "passed", "reason": ""}, {"status": "failed", "reason": "w"}
CHECK_SKIPPED = {"status": "skipped", "reason": "not here"}
ENDS = {"good": "passed", "bad": "failed", "idle": "skipped"}


@pytest.mark.parametrize(
    ("row", "check", "expected"),
    [
        ({"tests": ["good"]}, CHECK_PASSED, ("passed", "")),
        ({"tests": ["good"]}, None, ("passed", "")),
        ({"tests": []}, CHECK_PASSED, ("passed", "")),
        ({"tests": ["good"]}, CHECK_SKIPPED, ("passed", "")),
        ({"tests": ["good", "bad"]}, CHECK_PASSED, ("failed", "test bad")),
        ({"tests": ["good"]}, CHECK_FAILED, ("failed", "w")),
        ({"tests": ["idle"], "untested": "no GPU"}, None, ("not testable here", "no GPU")),
        ({"tests": ["not run"]}, None, ("not testable here", "no test of it ran")),
        ({"tests": [], "spacy": "its own"}, CHECK_SKIPPED, ("spaCy's", "its own")),
    ],
)
def test_what_is_known_of_a_row(row: Any, check: Any, expected: tuple[str, str]) -> None:
    assert fault_table.judge_ours(row, check, ENDS) == expected


def test_table_page_and_picture(tmp_path: Path) -> None:
    rows = [{"row": n, "title": f"fault {n}", "tests": ["good"] * (n == 1)} for n in (1, 2)]
    checks = {OURS: {2: CHECK_PASSED}, TRF: {2: {"status": "failed", "reason": "a | b"}}}
    table = fault_table.make_table(rows, checks, ENDS)
    assert fault_table.count_table(table) == {OURS: {"passed": 2}, TRF: {"-": 1, "failed": 1}}
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- table: begin -->\nold\n<!-- table: end -->\nafter\n")
    for _ in range(2):
        fault_table.write_page(page, table)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| 2 | fault 2 | passed | **failed** |" in text
    assert "* 2, failed: a / b" in text
    fault_table.draw_table(tmp_path / "table.png", table, foot="here")
    assert (tmp_path / "table.png").stat().st_size > 0


REPORT = """<testsuites><testsuite>
<testcase file="tests/a.py" name="test_x[1]"/>
<testcase file="tests/a.py" name="test_x[2]"><skipped/></testcase>
<testcase file="tests/a.py" name="test_y[1]"/>
<testcase file="tests/a.py" name="test_y[2]"><failure/></testcase>
<testcase file="tests/a.py" name="test_z"><skipped/></testcase>
</testsuite></testsuites>"""


def test_reports_of_pytest_are_read(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT)
    assert fault_tests.read_report(tmp_path / "report.xml") == {
        "tests/a.py::test_x": "passed",
        "tests/a.py::test_y": "failed",
        "tests/a.py::test_z": "skipped",
    }
    assert fault_tests.run_tests([]) == {}


def test_results_that_are_kept_have_every_row() -> None:
    path = ROOT / "benchmarks" / "results" / "faults.json"
    if not path.exists():
        pytest.skip("nothing was measured yet")
    results = json.loads(path.read_text(encoding="utf8"))
    assert [row["row"] for row in results["rows"]] == list(range(1, 113))
    failed = [r["row"] for r in results["rows"] if r["results"][OURS]["status"] == "failed"]
    assert failed == []
