"""Run commands as a user would, in this process."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from spacy_bert_plugin.cli.main import app


class Outcome(NamedTuple):
    """Exit code, and what was printed, with every run of white space as one space."""

    code: int
    text: str
    raw: str


@pytest.fixture
def run() -> Callable[..., Outcome]:
    """Run `spacy-bert` with arguments."""

    def run_app(*args: object) -> Outcome:
        result = CliRunner().invoke(app, [str(arg) for arg in args])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, " ".join(result.output.split()), result.output)

    return run_app
