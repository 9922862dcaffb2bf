"""`spacy-bert evaluate`: scores of a pipeline on annotated texts or pairs of texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from . import convert_args as args
from .report import print_table, report_errors, say_good

HEADER = ("score", "value")


def evaluate_cli(
    model: Annotated[str, typer.Argument(help="Trained pipeline.", show_default=False)],
    data: Annotated[
        Path,
        typer.Argument(help=".spacy, or any file that `convert` reads.", show_default=False),
    ],
    task: args.TaskOption = args.Task.auto,
    output: Annotated[Path | None, typer.Option(help="Write all scores there, as JSON.")] = None,
    limit: Annotated[int, typer.Option(help="Most texts to read; 0: all.", min=0)] = 0,
    apart: Annotated[
        bool, typer.Option("--apart", help="Read the texts of pairs apart, as bert_embedder does.")
    ] = False,
    gpu_id: Annotated[int, typer.Option(help="GPU to use; -1 for none.")] = -1,
) -> None:
    """Score a pipeline, also on pairs of texts, which `spacy evaluate` reads as one text."""
    with report_errors():
        scores = evaluate_model(
            model, data, task=task.value, limit=limit, apart=apart, gpu_id=gpu_id
        )
        rows: list[list[Any]] = [
            [name, f"{value:.4f}" if isinstance(value, float) else value]
            for name, value in scores.items()
            if isinstance(value, int | float)
        ]
        print_table(rows, header=HEADER)
        if output is not None:
            import srsly

            output.parent.mkdir(parents=True, exist_ok=True)
            srsly.write_json(output, scores)
            say_good(f"Wrote {output}")


def evaluate_model(
    model: str,
    data: Path,
    *,
    task: str = "auto",
    limit: int = 0,
    apart: bool = False,
    gpu_id: int = -1,
) -> dict[str, Any]:
    """Score a pipeline.

    model (str): Folder or package of a pipeline.
    data (Path): Annotated texts, in any format that `spacy-bert-plugin.Corpus.v1` reads.
    task (str): What to take of the annotation, as in `FormatOptions`.
    limit (int): Most texts to read; 0: all.
    apart (bool): Whether the texts of a pair are read apart.
    gpu_id (int): The GPU to use; -1: none.
    RETURNS (dict): What `nlp.evaluate` gives.
    RAISES (DataError): The texts cannot be read.
    """
    import spacy

    from ..pipeline.apart_examples import build_apart_v1
    from ..training.corpora import build_corpus_v1

    if gpu_id >= 0:
        spacy.require_gpu(gpu_id)
    nlp = spacy.load(model)
    augmenter = build_apart_v1() if apart else None
    read = build_corpus_v1(data, task=task, limit=limit, augmenter=augmenter)
    scores: dict[str, Any] = nlp.evaluate(read(nlp))
    return scores
