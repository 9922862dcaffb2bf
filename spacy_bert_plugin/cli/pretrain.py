"""`spacy-bert pretrain`: masked words and next sentences, from text to an encoder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .overrides import read_overrides
from .pretrain_rows import HEADER, PretrainingBar, format_row
from .report import PRINTER, report_errors, say_good, say_warning
from .train import INTERRUPTED

if TYPE_CHECKING:
    from ..pretraining.hooks import PretrainingHooks, PretrainingOutcome

REASONS = {"steps": "all steps are done", "epochs": "all epochs are done"}


def pretrain_cli(
    ctx: typer.Context,
    config_path: Annotated[
        Path, typer.Argument(help="Config file; '-' to read it from the input.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the encoder.", show_default=False)
    ],
    code_path: Annotated[
        Path | None,
        typer.Option("--code", "-c", help="Python file with registered functions to import."),
    ] = None,
    use_gpu: Annotated[int, typer.Option("--gpu-id", "-g", help="GPU, or -1 for CPU.")] = -1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Throw away the run in the folder.")
    ] = False,
) -> None:
    """Pretrain an encoder on plain text: guess masked words, and whether texts follow each other.

    Settings of the config can be given as options, for example --pretraining.max_steps 100. Ctrl-C
    finishes the step, saves and stops; --resume goes on with the same losses as if nothing had
    happened. The folder holds model-best and model-last, which transformers and bert_transformer
    open by their path, log.jsonl and curves.svg.
    """
    with report_errors():
        overrides = read_overrides(ctx, code_path)
        outcome = pretrain(
            config_path,
            output,
            use_gpu=use_gpu,
            overrides=overrides,
            resume=resume,
            overwrite=overwrite,
        )
        _say_end(outcome, output)
        if outcome.reason == "interrupted":
            raise typer.Exit(INTERRUPTED)


def pretrain(
    config_path: Path,
    output: Path,
    *,
    use_gpu: int = -1,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> PretrainingOutcome:
    """Pretrain an encoder as a config says.

    config_path (Path): The config.
    output (Path): Folder of the run.
    use_gpu (int): GPU; below 0: none.
    overrides (Mapping): Values by dotted name, instead of those of the config.
    resume (bool), overwrite (bool): What to do with an earlier run in the folder.
    RETURNS (PretrainingOutcome): Where and why it ended.
    RAISES (SettingError): There is an earlier run, and nobody said what to do with it.
        (DataError, CheckpointError, TrainingError): See `pretraining.pretrain`.
    """
    from spacy.cli._util import show_validation_error
    from spacy.util import load_config

    from ..pretraining import pretrain as run_pretraining
    from ..training.output import RunFolder

    folder = RunFolder(output)
    folder.check(resume=resume, overwrite=overwrite)
    is_resumed = resume and folder.resume.exists()
    if resume and not is_resumed:
        say_warning(f"There is no run in {output} yet", "This one begins at the first step.")
    with show_validation_error(config_path):
        config = load_config(config_path, overrides=dict(overrides or {}), interpolate=False)
    settings = config.get("pretraining", {})
    bar = PretrainingBar(int(settings.get("max_steps", 0) or 0))
    try:
        return run_pretraining(
            config, output, use_gpu=use_gpu, resume=is_resumed, hooks=_make_hooks(bar, folder)
        )
    finally:
        bar.close()


def _make_hooks(bar: PretrainingBar, folder: Any) -> PretrainingHooks:
    from ..pretraining.hooks import PretrainingHooks

    def start(facts: dict[str, str], last_step: int) -> None:
        bar.close()
        for title, value in facts.items():
            typer.echo(PRINTER.info(f"{title}: {value}"))
        if last_step:
            say_good(f"Goes on after step {last_step}")
        typer.echo(HEADER)
        bar.start(last_step)

    def row(rows: list[dict[str, Any]]) -> None:
        bar.make_room()
        if len(rows) == 1 and rows[0]["baselines"]:
            typer.echo(format_row(rows[0], "unigram"))
            typer.echo(format_row(rows[0], "bigram"))
        typer.echo(format_row(rows[-1]))
        from .pretrain_charts import write_pretraining_curves

        write_pretraining_curves(rows, folder.curves)

    def warn(text: str) -> None:
        bar.make_room()
        say_warning(text)

    return PretrainingHooks(bar.add_corpus, start, bar.step, row, warn)


def _say_end(outcome: PretrainingOutcome, output: Path) -> None:
    if outcome.reason == "interrupted":
        more = f"To go on: the same command with --resume. The state is in {output}/resume."
        say_warning(f"Interrupted after step {outcome.step}", more)
        return
    say_good(f"Ended after step {outcome.step}: {REASONS[outcome.reason]}")
    if outcome.best is not None:
        loss, step = outcome.best
        say_good(f"Lowest held-out loss: {loss:.4f} at step {step}, in {output}/model-best")
    say_good(f"Saved {output}/model-last; curves in {output}/curves.svg")
