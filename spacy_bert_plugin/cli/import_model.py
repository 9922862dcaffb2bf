"""`spacy-bert import`: somebody else's model becomes a pipeline of this package."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .report import print_table, report_errors, say_good, say_warning

if TYPE_CHECKING:
    from ..interop.huggingface import ImportReport

# What transformers and this package may differ by, from rounding in another order.
BOUND = 1e-4


class Scheme(Enum):
    """How the outputs of a tagger are read."""

    auto = "auto"
    bio = "bio"
    iob1 = "iob1"
    biluo = "biluo"
    io = "io"


def import_model_cli(
    source: Annotated[
        str,
        typer.Argument(
            help="Hugging Face checkpoint: a folder or a name on the hub. Or a pipeline of "
            "spacy-transformers or spacy-curated-transformers: a folder or a package. Or a folder "
            "of sentence-transformers.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Argument(help="Folder to write.", show_default=False)],
    lang: Annotated[str, typer.Option(help="Language of the pipeline.")] = "en",
    scheme: Annotated[
        Scheme, typer.Option(help="Tags of a named entity recogniser. biluo: also BIOES.")
    ] = Scheme.auto,
    exclusive: Annotated[
        bool | None,
        typer.Option(
            "--exclusive/--multilabel",
            help="Whether each text has exactly one category; by default as config.json says.",
        ),
    ] = None,
    labels: Annotated[
        str, typer.Option(help="Names of the outputs in their order, with commas between.")
    ] = "",
    texts: Annotated[
        Path | None, typer.Option(help="Sample texts to compare on, one a line.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit on the hub.")] = None,
) -> None:
    """Make a pipeline of a trained model, with the same predictions.

    A checkpoint with a head for tokens becomes a bert_ner, one for texts a bert_textcat, a masked
    language model a bert_fill_mask, a folder of sentence-transformers a bert_embedder, each with
    the encoder beside it.
    """
    with report_errors():
        samples = read_lines(texts) if texts is not None else []
        if is_pipeline(source):
            from ..interop.spacy_transformers import import_pipeline

            typer.echo(str(import_pipeline(source, output, texts=samples or None)))
            say_good(f"Wrote {output}")
            return
        from ..interop.sentence_transformers import (
            import_sentence_transformer,
            is_sentence_transformer,
        )

        if is_sentence_transformer(source):
            made = import_sentence_transformer(source, output, lang=lang)
            print_table([*made.settings.items()], header=("bert_embedder", ""))
            for note in made.notes:
                say_warning(note)
            say_good(f"Wrote {output}")
            return
        from ..interop.huggingface import import_checkpoint

        report = import_checkpoint(
            source,
            output,
            lang=lang,
            scheme=scheme.value,
            labels=[name.strip() for name in labels.split(",") if name.strip()],
            exclusive=exclusive,
            texts=samples,
            revision=revision,
        )
        print_report(report)
        say_good(f"Wrote {output}")


def is_pipeline(source: str) -> bool:
    """Whether this is the folder or the package of a spaCy pipeline."""
    from spacy.util import is_package

    path = Path(source)
    return (path / "meta.json").is_file() if path.is_dir() else is_package(source)


def read_lines(path: Path) -> list[str]:
    """Read texts, one a line; empty lines are left out."""
    return [line for line in path.read_text(encoding="utf8").splitlines() if line.strip()]


def print_report(report: ImportReport) -> None:
    """Print what was made of a checkpoint."""
    rows = [("made for", report.task)]
    rows += [(name, factory) for name, factory in report.components.items()]
    rows += [*report.settings.items()]
    if report.labels:
        rows.append(("entities" if "scheme" in report.settings else "categories", _join(report)))
    print_table(rows, header=("", ""))
    found = report.difference
    if found is not None:
        print_table(
            [
                ("texts compared", f"{found.n_texts:,}"),
                ("rows of logits", f"{found.n_rows:,}"),
                ("largest difference", f"{found.largest:.2e}"),
                ("rows with another best output", f"{found.n_changed:,}"),
            ],
            header=("against transformers", ""),
        )
        if found.n_skipped:
            say_warning(f"{found.n_skipped} text(s) were not compared: longer than one window")
        if found.largest > BOUND:
            say_warning(f"The logits differ by more than {BOUND:g}")
    for note in report.notes:
        say_warning(note)


def _join(report: ImportReport) -> str:
    return ", ".join(report.labels)
