"""`spacy-bert train`: `spacy train`, but a run can be killed, continued and seen."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import Errors, SettingError
from .overrides import read_overrides
from .report import PRINTER, report_errors, say_good, say_warning

if TYPE_CHECKING:
    from ..training.hooks import Outcome

# Ends like a process that the shell has interrupted
INTERRUPTED = 130
REASONS = {
    "steps": "all steps are done",
    "epochs": "all epochs are done",
    "patience": "the score has not improved for [training.patience] steps",
}


def train_cli(
    ctx: typer.Context,
    config_path: Annotated[
        Path, typer.Argument(help="Config file; '-' to read it from the input.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "--output-path", "-o", help="Folder for the models."),
    ] = None,
    code_path: Annotated[
        Path | None,
        typer.Option("--code", "-c", help="Python file with registered functions to import."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-V", help="Say more.")] = False,
    use_gpu: Annotated[int, typer.Option("--gpu-id", "-g", help="GPU, or -1 for CPU.")] = -1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Throw away the run in the folder.")
    ] = False,
    save_every: Annotated[
        int,
        typer.Option(min=0, help="Steps between two saves of the state; 0: at each evaluation."),
    ] = 0,
) -> None:
    """Train a pipeline as `spacy train` does, with a state on disk to go on from.

    Settings of the config can be given as options, for example --training.max_steps 100. Ctrl-C
    finishes the step, saves and stops; --resume goes on with the same losses as if nothing had
    happened. The folder also gets log.jsonl and curves.svg.
    """
    with report_errors():
        from spacy import util

        if verbose:
            util.logger.setLevel("DEBUG")
        overrides = read_overrides(ctx, code_path)
        outcome = train(
            config_path,
            output,
            use_gpu=use_gpu,
            overrides=overrides,
            resume=resume,
            overwrite=overwrite,
            save_every=save_every,
        )
        _say_end(outcome, output)
        if outcome.reason == "interrupted":
            raise typer.Exit(INTERRUPTED)


def train(
    config_path: Path,
    output: Path | None = None,
    *,
    use_gpu: int = -1,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    save_every: int = 0,
) -> Outcome:
    """Make a pipeline from a config and train it.

    config_path (Path): The config.
    output (Path): Folder of the run; nothing is saved if None.
    use_gpu (int): GPU; below 0: none.
    overrides (Mapping): Values by dotted name, instead of those of the config.
    resume (bool), overwrite (bool): What to do with an earlier run in the folder.
    save_every (int): Steps between two saves of the state; 0: at each evaluation.
    RETURNS (Outcome): Where and why it ended.
    RAISES (SettingError): There is an earlier run, and nobody said what to do with it.
        (TrainingError): A guard has stopped the run.
    """
    from spacy.cli._util import setup_gpu, show_validation_error
    from spacy.training.initialize import init_nlp
    from spacy.util import load_config

    from ..training.loop import train as run_training

    is_resumed = _check_output(output, resume=resume, overwrite=overwrite)
    setup_gpu(use_gpu)
    with show_validation_error(config_path):
        config = load_config(config_path, overrides=dict(overrides or {}), interpolate=False)
    typer.echo(PRINTER.divider("Initializing pipeline"))
    with show_validation_error(config_path, hint_fill=False):
        nlp = init_nlp(config, use_gpu=use_gpu)
    say_good("Initialized pipeline")
    typer.echo(PRINTER.divider("Training pipeline"))
    _say_begin(nlp)
    hooks, bar = _make_hooks(nlp, output)
    try:
        return run_training(
            nlp,
            output,
            use_gpu=use_gpu,
            resume=is_resumed,
            save_every=save_every,
            stdout=sys.stdout,
            stderr=sys.stderr,
            hooks=hooks,
        )
    finally:
        bar.close()


def _check_output(output: Path | None, *, resume: bool, overwrite: bool) -> bool:
    """Whether there is a run to go on with. RAISES (SettingError): One is in the way."""
    from ..training.output import RunFolder

    if output is None:
        if resume:
            raise SettingError(Errors.SB422)
        return False
    folder = RunFolder(output)
    folder.check(resume=resume, overwrite=overwrite)
    if resume and not folder.resume.exists():
        say_warning(f"There is no run in {output} yet", "This one begins at the first step.")
    return resume and folder.resume.exists()


def _make_hooks(nlp: Any, output: Path | None) -> tuple[Any, Any]:
    from ..training.hooks import Hooks
    from ..training.output import RunFolder
    from .run_curves import write_curves
    from .step_bar import StepBar, has_own_bar

    settings = nlp.config.interpolate()["training"]
    bar = StepBar(settings["max_steps"], is_shown=not has_own_bar(settings["logger"]))
    weights = {key: value for key, value in settings["score_weights"].items() if value is not None}
    shown = sorted(weights, key=lambda key: -weights[key])

    def draw(rows: list[dict[str, Any]]) -> None:
        if output is not None:
            write_curves(rows, RunFolder(output).curves, shown=shown)

    def warn(text: str) -> None:
        bar.make_room()
        say_warning(text)

    def start(last_step: int) -> None:
        if last_step >= 0:
            say_good(f"Goes on after step {last_step}")

    return Hooks(start, bar.step, bar.make_room, draw, warn), bar


def _say_begin(nlp: Any) -> None:
    settings = nlp.config.interpolate()["training"]
    typer.echo(PRINTER.info(f"Pipeline: {nlp.pipe_names}"))
    if settings["frozen_components"]:
        typer.echo(PRINTER.info(f"Frozen components: {settings['frozen_components']}"))
    if settings["annotating_components"]:
        names = settings["annotating_components"]
        typer.echo(PRINTER.info(f"Set annotations on update for: {names}"))


def _say_end(outcome: Outcome, output: Path | None) -> None:
    if outcome.reason == "interrupted":
        more = f"To go on: the same command with --resume. The state is in {output}/resume."
        text = f"Interrupted after step {outcome.step}"
        say_warning(text, more if output is not None else "Nothing was saved: no --output.")
        return
    say_good(f"Ended after step {outcome.step}: {REASONS[outcome.reason]}")
    if outcome.best is not None:
        say_good(f"Best score: {outcome.best[0]:.4f} at step {outcome.best[1]}")
    if output is not None:
        from ..training.output import RunFolder

        folder = RunFolder(output)
        say_good(f"Saved {folder.best} and {folder.last}; curves in {folder.curves}")
