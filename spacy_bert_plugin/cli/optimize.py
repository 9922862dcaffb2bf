"""`spacy-bert optimize`: a pipeline in another precision, compared with the original."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from .optimize_model import N_TEXTS, Limits, Report, optimize_model
from .optimize_table import HEADER, list_rows
from .report import print_table, report_errors, say_good, say_warning


class Precision(Enum):
    """Number formats that a pipeline can be written in."""

    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"
    int8 = "int8"


def optimize_cli(
    model: Annotated[str, typer.Argument(help="Pipeline: folder or package.", show_default=False)],
    output: Annotated[Path, typer.Argument(help="Folder to write.", show_default=False)],
    precision: Annotated[
        Precision, typer.Option(help="What the encoder shall compute in.", show_default=False)
    ],
    texts: Annotated[
        Path | None, typer.Option(help="Texts to compare on: .txt (one a line), .jsonl, .spacy.")
    ] = None,
    n_texts: Annotated[int, typer.Option(min=0, help="Most of them; 0: all.")] = N_TEXTS,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds in which speed is measured.")] = 5,
    data: Annotated[
        Path | None, typer.Option(help="Annotated texts to score both pipelines on.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="Score that must not drop, such as ents_f. Can be repeated."),
    ] = None,
    bound: Annotated[float, typer.Option(min=0, help="Points that a score may drop.")] = 0.5,
    skip: Annotated[
        list[str] | None,
        typer.Option(help="Maps kept out of int8: qkv, output, up, down, down.5. Can be repeated."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a pipeline that is there.")
    ] = False,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Run nothing: it is for another machine.")
    ] = False,
    gpu_id: Annotated[int, typer.Option(help="GPU to use; -1 for none.")] = -1,
) -> None:
    """Write a pipeline whose encoder computes in another precision, and compare the two.

    The new folder loads like any other, and its encoder takes half the space (fp32: all of it).
    With --data it is not written if a score drops by more than --bound.
    """
    limits = Limits(texts, n_texts, rounds, data, metric or (), bound)
    with report_errors():
        report = optimize_model(
            model,
            output,
            precision=precision.value,
            skip=skip or None,
            limits=limits,
            use_force=force,
            use_check=not no_check,
            gpu_id=gpu_id,
            tell=_tell,
        )
        print_table(list_rows(report), header=HEADER)
        for warning in list_warnings(report, limits):
            say_warning(warning)
        say_good(f"Wrote {output}")


def list_warnings(report: Report, limits: Limits) -> list[str]:
    """Say what was not looked at."""
    if report.rates is None:
        return ["Nothing was run: compare it with the original on the machine that it is for."]
    found = []
    if limits.texts is None and limits.data is None:
        found.append("Compared on example sentences. For texts of your own: --texts FILE")
    if not report.scores:
        found.append("Nothing was scored. To bound what may be lost: --data DEV.spacy")
    return found


def _tell(step: str) -> None:
    typer.echo(f"{step} ...", err=True)
