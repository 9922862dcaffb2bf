"""`spacy-bert calibrate`: make the scores of a trained pipeline say how often they are right."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import Errors, SettingError
from .report import print_table, report_errors, say_good, say_warning

if TYPE_CHECKING:
    from spacy.language import Language

HEADER = ("component", "ECE before", "ECE after", "fitted")
ERRORS = ("ece_before", "ece_after")


def calibrate_cli(
    model: Annotated[str, typer.Argument(help="Trained pipeline.", show_default=False)],
    dev: Annotated[
        Path, typer.Argument(help="Texts that it was not trained on.", show_default=False)
    ],
    output: Annotated[
        Path | None, typer.Option(help="Save there, not into the folder of MODEL.")
    ] = None,
    tune_thresholds: Annotated[
        bool, typer.Option(help="Find the best threshold of each label as well.")
    ] = False,
    gpu_id: Annotated[int, typer.Option(help="GPU to use; -1 for none.")] = -1,
) -> None:
    """Fit confidences to annotated texts, and show the expected calibration error (ECE).

    The error is measured on the same texts, before and after; on others it is a little larger.
    """
    with report_errors():
        target, report = calibrate_model(
            model, dev, output=output, tune_thresholds=tune_thresholds, gpu_id=gpu_id
        )
        print_table([format_row(name, found) for name, found in report.items()], header=HEADER)
        for name in [name for name, found in report.items() if not found]:
            say_warning(f"{name} was left as it is: nothing is annotated for it in {dev}")
        say_good(f"Saved to {target}")


def calibrate_model(
    model: str,
    dev: Path,
    *,
    output: Path | None = None,
    tune_thresholds: bool = False,
    gpu_id: int = -1,
) -> tuple[Path, dict[str, dict[str, float]]]:
    """Calibrate a pipeline and save it.

    model (str): Folder or package of a pipeline.
    dev (Path): Annotated texts, in any format that `spacy-bert-plugin.Corpus.v1` reads.
    output (Path | None): Where to save; None: the folder of the pipeline.
    tune_thresholds (bool): Whether to find thresholds as well.
    gpu_id (int): The GPU to use; -1: none.
    RETURNS (tuple): Where it was saved, and what was found for each component.
    RAISES (SettingError): The output cannot be written to, or nothing can be calibrated.
    RAISES (DataError): The texts cannot be read.
    """
    import spacy

    from ..pipeline.calibration import calibrate
    from ..training.corpora import build_corpus_v1

    is_same = output is None or output.resolve() == Path(model).resolve()
    if (is_same and not Path(model).is_dir()) or (output and output.exists() and not is_same):
        raise SettingError(Errors.SB386.format(model=model, output=output))
    target = Path(model) if output is None else output
    if gpu_id >= 0:
        spacy.require_gpu(gpu_id)
    nlp = spacy.load(model)
    read = build_corpus_v1(dev)
    report = calibrate(nlp, lambda: read(nlp), tune_thresholds=tune_thresholds)
    _save(nlp, target, names=list(report))
    return target, report


def format_row(name: str, found: dict[str, float]) -> list[str]:
    """Lay out what was found for a component, under `HEADER`."""
    errors = [f"{found[key]:.4f}" if key in found else "-" for key in ERRORS]
    fitted = [f"{key} {value:.3f}" for key, value in found.items() if key not in ERRORS]
    return [name, *errors, ", ".join(fitted) or "nothing"]


def _save(nlp: Language, target: Path, *, names: list[str]) -> None:
    """Write the components that have changed over a copy of the folder, then swap the two."""
    from ..training.folders import replace_folder

    with replace_folder(target) as staged:
        shutil.copytree(nlp.path, staged)
        for name in names:
            nlp.get_pipe(name).to_disk(staged / name, exclude=["vocab"])
