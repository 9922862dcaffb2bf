"""`spacy bert import-config`: a config for another transformer library becomes one of ours."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import Errors, SettingError
from .report import report_errors, say_good

if TYPE_CHECKING:
    from ..interop.spacy_transformers import Change


def import_config_cli(
    config: Annotated[
        Path,
        typer.Argument(
            help="Config for spacy-transformers or spacy-curated-transformers; '-' reads it from "
            "standard input.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Argument(help="File to write; '-' for the terminal.", show_default=False)
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Rewrite a config so that it trains with this package, and say what was changed and why.

    Names of components, data, optimizer and batches stay. Comments of the file are lost.
    """
    with report_errors():
        from ..interop.spacy_transformers import convert_config_text

        is_file = str(output) != "-"
        if is_file and output.exists() and not force:
            raise SettingError(Errors.SB664.format(path=output))
        text, changes = convert_config_text(_read(config))
        # With the config on standard output, the report must not stand in it.
        typer.echo(format_changes(changes) + "\n", err=not is_file)
        if not is_file:
            typer.echo(text)
            return
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
        say_good(f"Wrote {output} (without the comments of {config})")
        typer.echo(
            f"python -m spacy bert train {output} --output model --paths.train train.spacy "
            "--paths.dev dev.spacy"
        )


def format_changes(changes: Sequence[Change]) -> str:
    """Lay out changes by section: what stood there, what stands there, and why."""
    lines, section = [], None
    for change in changes:
        if change.section != section:
            section = change.section
            lines.append(f"[{section}]")
        lines.append(f"  {change.was} -> {change.now or 'left out'}")
        if change.why:
            lines.append(f"      {change.why}")
    return "\n".join(lines)


def _read(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingError(Errors.SB773.format(error=f"{path}: {error}")) from error
