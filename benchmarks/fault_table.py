"""The table of faults: what is shown of each row, for each system."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fault_systems import OURS, SYSTEMS
from fault_tests import FAILED, PASSED, SKIPPED, merge_ends
from report import finish, plt

ROWS = Path(__file__).resolve().parent / "faults" / "rows.json"
UNTESTED, SPACY, NOT_COMPARED = "not testable here", "spaCy's", "-"
COLOURS = {
    PASSED: "#0b6e4f",
    FAILED: "#b3382c",
    SPACY: "#d9a441",
    SKIPPED: "#c9d1d9",
    UNTESTED: "#c9d1d9",
    NOT_COMPARED: "#eef1f4",
}
MARKS = {PASSED: "passed", FAILED: "**failed**"}


def read_rows(path: Path = ROWS) -> list[dict[str, Any]]:
    """Read the rows: number, title, ids of tests, and why a row cannot be tested."""
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf8"))
    return rows


def judge_ours(row: dict[str, Any], check: dict[str, Any] | None, ends: dict[str, str]) -> Any:
    """Put a check and the tests of a row together. RETURNS (tuple): Status and reason."""
    found = {name: ends[name] for name in row["tests"] if name in ends}
    failed = [name for name, end in found.items() if end == FAILED]
    if check is not None and check["status"] == FAILED:
        return FAILED, check["reason"]
    if failed:
        return FAILED, f"test {failed[0]}"
    checked = [check["status"]] if check is not None else []
    if merge_ends([*checked, *found.values(), SKIPPED]) == PASSED:
        return PASSED, ""
    if "spacy" in row:
        return SPACY, row["spacy"]
    return UNTESTED, row.get("untested", "no test of it ran")


def judge_theirs(check: dict[str, Any] | None) -> Any:
    """What is known of another system. RETURNS (tuple): Status and reason."""
    return (NOT_COMPARED, "") if check is None else (check["status"], check["reason"])


def make_table(
    rows: Sequence[dict[str, Any]], checks: dict[str, dict[int, Any]], ends: dict[str, str]
) -> list[dict[str, Any]]:
    """One entry a row: number, title, and by system its status and the reason.

    checks: Results of `check_component` by system and row.
    ends: How tests ended, by id.
    """
    table = []
    for row in rows:
        results = {}
        for system, found in checks.items():
            check = found.get(row["row"])
            judged = judge_ours(row, check, ends) if system == OURS else judge_theirs(check)
            results[system] = dict(zip(("status", "reason"), judged, strict=True))
        table.append({"row": row["row"], "title": row["title"], "results": results})
    return table


def count_table(table: Sequence[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Count rows by system and status."""
    counts: dict[str, Counter[str]] = {}
    for row in table:
        for system, result in row["results"].items():
            counts.setdefault(system, Counter())[result["status"]] += 1
    return {system: dict(found) for system, found in counts.items()}


def format_counts(table: Sequence[dict[str, Any]]) -> list[str]:
    """The counts as lines of Markdown."""
    counts = count_table(table)
    kinds = [kind for kind in COLOURS if any(kind in found for found in counts.values())]
    heads = ["not compared" if kind == NOT_COMPARED else kind for kind in kinds]
    lines = [f"| | {' | '.join(heads)} |", "|---|" + "---:|" * len(kinds)]
    for system in (s for s in SYSTEMS if s in counts):
        cells = " | ".join(str(counts[system].get(kind, 0)) for kind in kinds)
        lines.append(f"| {system} | {cells} |")
    return lines


def format_table(table: Sequence[dict[str, Any]]) -> list[str]:
    """Every row as a line of Markdown, then the reasons of what is not passed."""
    systems = [s for s in SYSTEMS if s in table[0]["results"]]
    lines = [f"| row | | {' | '.join(systems)} |", "|---:|---|" + "---|" * len(systems)]
    for row in table:
        cells = [row["results"][system]["status"] for system in systems]
        marks = " | ".join(MARKS.get(cell, cell) for cell in cells)
        lines.append(f"| {row['row']} | {row['title']} | {marks} |")
    return lines


def format_reasons(table: Sequence[dict[str, Any]]) -> list[str]:
    """Why rows are not passed, by system, as lines of Markdown."""
    lines: list[str] = []
    for system in (s for s in SYSTEMS if s in table[0]["results"]):
        found = [(row["row"], row["results"][system]) for row in table]
        wanted = [(n, r) for n, r in found if r["status"] not in (PASSED, NOT_COMPARED)]
        if not wanted:
            continue
        lines += [f"**{system}**", ""]
        for number, result in wanted:
            reason = " ".join(result["reason"].replace("|", "/").replace("<", "&lt;").split())
            lines.append(f"* {number}, {result['status']}: {reason}")
        lines.append("")
    return lines


def draw_table(path: Path, table: Sequence[dict[str, Any]], *, foot: str) -> None:
    """A line of squares for each system, a square for each row."""
    systems = [s for s in SYSTEMS if s in table[0]["results"]]
    figure, axes = plt.subplots(figsize=(12, 0.5 * len(systems) + 1.5))
    for line, system in enumerate(systems):
        for row in table:
            colour = COLOURS[row["results"][system]["status"]]
            axes.add_patch(plt.Rectangle((row["row"] - 0.45, -line - 0.4), 0.9, 0.8, color=colour))
    for status, colour in COLOURS.items():
        if status not in (UNTESTED, NOT_COMPARED):
            axes.plot([], [], "s", color=colour, label=status.replace(SKIPPED, "cannot be tested"))
    axes.plot([], [], "s", color=COLOURS[NOT_COMPARED], label="not compared")
    axes.set_xlim(0, len(table) + 1)
    axes.set_ylim(-len(systems) + 0.4, 0.6)
    axes.set_yticks([-line for line in range(len(systems))], systems)
    axes.set_xticks([1, *range(10, len(table) + 1, 10)])
    axes.set_xlabel("row of the table")
    axes.legend(
        frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=5, fontsize=8,
        handletextpad=0.2,
    )  # fmt: skip
    finish(figure, axes, path, title="Faults", foot=foot)


def write_page(path: Path, table: Sequence[dict[str, Any]]) -> None:
    """Put the table into a page, between the two marks in it."""
    before, _, rest = path.read_text(encoding="utf8").partition("<!-- table: begin -->\n")
    _, _, after = rest.partition("<!-- table: end -->\n")
    lines = [*format_counts(table), "", *format_table(table), "", "### Reasons", ""]
    text = "\n".join([*lines, *format_reasons(table)])
    marked = f"<!-- table: begin -->\n{text}\n<!-- table: end -->\n"
    path.write_text(before + marked + after, encoding="utf8")
