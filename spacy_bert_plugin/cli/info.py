"""`spacy-bert info`: what this machine has, what is missing, and how to install it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import typer

from .report import print_table, report_errors, say_good, say_warning


def info_cli(
    model: Annotated[
        str | None, typer.Option(help="Describe this pipeline or encoder as well.")
    ] = None,
) -> None:
    """Show devices, precision and versions, and what is missing with the command to install it."""
    with report_errors():
        found = collect_info(model)
        for title, rows in found.sections.items():
            print_table(list(rows.items()), header=[title, ""])
        for problem in found.problems:
            say_warning(problem.what, f"Run: {problem.remedy}")
        if not found.problems:
            say_good("Nothing is missing")


@dataclass(frozen=True)
class Problem:
    """Something that does not work, and the command that changes it."""

    what: str
    remedy: str


@dataclass
class Info:
    """What was found: tables by title, and problems."""

    sections: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def collect_info(model: str | None = None) -> Info:
    """Look at this machine, and at a pipeline or encoder where one is named.

    model (str): Folder or name of a pipeline or of an encoder.
    RETURNS (Info): Tables and problems.
    RAISES (CheckpointNotFoundError): there is neither in the folder.
    """
    from .machine import describe_device, find_gpu_problems
    from .versions import describe_versions, find_version_problems

    info = Info()
    info.sections["versions"] = describe_versions()
    info.sections["device"] = describe_device()
    if model is not None:
        from .encoder_folder import open_encoder

        info.sections["encoder"] = open_encoder(model).facts
    pairs = [*find_version_problems(), *find_gpu_problems()]
    info.problems = [Problem(what, remedy) for what, remedy in pairs]
    return info
