"""`spacy-bert export`: a pipeline becomes a checkpoint of another library."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .report import print_table, report_errors, say_good, say_warning


def export_model_cli(
    pipeline: Annotated[str, typer.Argument(help="Trained pipeline.", show_default=False)],
    output: Annotated[Path, typer.Argument(help="Folder to write.", show_default=False)],
    to: Annotated[str, typer.Option("--to", help="hf: a checkpoint of transformers.")] = "hf",
    component: Annotated[
        str | None,
        typer.Option(help="A bert_ner, bert_textcat or bert_transformer. Default: the only head."),
    ] = None,
) -> None:
    """Write an encoder and one head as files that transformers opens, with the same logits.

    The model card README.md is filled in from the pipeline's meta and scores.
    """
    with report_errors():
        import spacy

        from ..interop.huggingface import export_pipeline

        report = export_pipeline(spacy.load(pipeline), output, component=component, to=to)
        rows = [
            ("component", report.component),
            ("class", report.architecture),
            ("opened by", report.opens_with),
        ]
        if report.outputs:
            rows.append(("outputs", ", ".join(report.outputs)))
        print_table(rows, header=("", ""))
        for note in report.notes:
            say_warning(note)
        say_good(f"Wrote {output}")
