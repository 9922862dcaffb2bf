"""Settings of a config given as further options of a command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from ..errors import Errors, SettingError


def read_overrides(ctx: typer.Context, code_path: Path | None) -> dict[str, Any]:
    """Read the options that a command does not know itself, and import the user's functions.

    code_path (Path | None): Python file with registered functions.
    RETURNS (dict): By dotted name, as `spacy train` reads them.
    RAISES (SettingError): An option is no setting.
    """
    from click import NoSuchOption
    from spacy.cli._util import import_code, parse_config_overrides

    try:
        overrides: dict[str, Any] = parse_config_overrides(list(ctx.args))
    except NoSuchOption as error:  # typer may have a click of its own, which lets it pass
        raise SettingError(Errors.SB433.format(option=error.option_name)) from error
    import_code(code_path)
    return overrides
