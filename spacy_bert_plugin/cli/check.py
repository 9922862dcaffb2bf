"""`spacy-bert check`: a component or a pipeline through the faults that we know of."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import Errors, SettingError
from .report import print_table, report_errors, say_good, say_warning

if TYPE_CHECKING:
    from ..checks import CheckResult

HEADER = ["row", "check", "result", "why", "seconds"]


def check_cli(
    pipeline: Annotated[
        str,
        typer.Argument(
            help="Pipeline: folder or package; or the name of a factory.", show_default=False
        ),
    ],
    rows: Annotated[
        str | None, typer.Option(help="Rows to look at, such as 1-20,33. All of them if not set.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the results as JSON.")] = None,
    seconds: Annotated[
        float, typer.Option(min=1, help="Longest time for a check in a process of its own.")
    ] = 120.0,
) -> None:
    """Put a pipeline through texts, batches, threads, processes and training that break others.

    Ends with code 1 if a check failed.
    """
    with report_errors():
        results = check_pipeline(pipeline, rows=rows, output=output, seconds=seconds)
    table = [[r.row, r.title, r.status, r.reason, f"{r.seconds:.1f}"] for r in results]
    print_table([[str(cell) for cell in row] for row in table], header=HEADER)
    counts = count_results(results)
    (say_warning if counts["failed"] else say_good)(
        ", ".join(f"{counts[status]} {status}" for status in ("passed", "failed", "skipped"))
    )
    if counts["failed"]:
        raise typer.Exit(1)


def check_pipeline(
    pipeline: str, *, rows: str | None = None, output: Path | None = None, seconds: float = 120.0
) -> list[CheckResult]:
    """Check a pipeline, or a pipeline of the one component that a factory makes.

    RETURNS (list[CheckResult]): One a row.
    RAISES (SettingError): `rows` is no list of rows.
    """
    import spacy
    from spacy.language import Language

    from ..checks import check_component, find_rows

    wanted = None if rows is None else find_rows(read_rows(rows))
    is_factory = not Path(pipeline).exists() and Language.has_factory(pipeline)
    subject: Any = pipeline if is_factory else spacy.load(pipeline)
    results = check_component(subject, rows=wanted, seconds=seconds, tell=_tell)
    if output is not None:
        text = json.dumps([asdict(result) for result in results], indent=2, ensure_ascii=False)
        output.write_text(text + "\n", encoding="utf8")
    return results


def read_rows(text: str) -> list[int]:
    """Read numbers and ranges: "1-3,7" is 1, 2, 3 and 7.

    RAISES (SettingError): It is something else.
    """
    rows: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,4})(?:\s*-\s*(\d{1,4}))?\s*", part, flags=re.ASCII)
        if match is None:
            raise SettingError(Errors.SB832.format(got=text))
        first = int(match[1])
        rows.extend(range(first, int(match[2] or first) + 1))
    return rows


def count_results(results: Sequence[CheckResult]) -> Counter[str]:
    """Count by status."""
    return Counter(result.status for result in results)


def _tell(result: CheckResult) -> None:
    typer.echo(f"{result.row:3} {result.status:7} {result.title}", err=True)
