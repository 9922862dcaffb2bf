"""`spacy-bert export-onnx`: a component as a checked ONNX file."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from .report import print_table, report_errors, say_good


class Precision(Enum):
    """Number formats of an exported file."""

    fp32 = "fp32"
    int8 = "int8"


def export_onnx_cli(
    pipeline: Annotated[str, typer.Argument(help="Trained pipeline.", show_default=False)],
    output: Annotated[Path, typer.Argument(help="Folder to write.", show_default=False)],
    component: Annotated[
        str, typer.Option(help="bert_ner, bert_textcat (any name that they have), or encoder.")
    ] = "encoder",
    precision: Annotated[
        Precision, typer.Option(help="int8: linear maps of the encoder in 8 bits.")
    ] = Precision.fp32,
    skip: Annotated[
        list[str] | None,
        typer.Option(help="Maps kept out of int8: qkv, output, up, down, down.5. Can be repeated."),
    ] = None,
) -> None:
    """Write model.onnx, tokenizer.json and feeding.json, which says how to feed the model.

    The folder is written only if ONNX Runtime gives the output of the pipeline on sample texts.
    """
    with report_errors():
        import spacy

        from ..interop.onnx import export_onnx

        nlp = spacy.load(pipeline)
        feeding = export_onnx(
            nlp, output, component=component, precision=precision.value, skip=skip or ()
        )
        ports = [("input", p) for p in feeding.inputs] + [("output", p) for p in feeding.outputs]
        rows = [(kind, p.name, p.type, " x ".join(map(str, p.shape))) for kind, p in ports]
        print_table(rows, header=("", "name", "type", "shape"))
        found = feeding.agreement
        print_table(
            [
                (f"rows compared ({found['texts']} texts)", f"{found['rows']:,}"),
                ("largest difference", f"{found['max_difference']:.2e}"),
                ("mean cosine", f"{found['mean_cosine']:.5f}"),
                ("same best score", f"{found['same_best']:.2%}"),
                ("bound", found["bound"]),
            ],
            header=("against the pipeline", ""),
        )
        say_good(f"Wrote {output}")
