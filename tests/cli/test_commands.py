"""The command line as a whole."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import spacy
from typer.testing import CliRunner

from spacy_bert_plugin.cli.report import format_table, report_errors
from spacy_bert_plugin.errors import SettingError

COMMANDS = [
    "benchmark",
    "calibrate",
    "convert",
    "debug-pieces",
    "evaluate",
    "export-onnx",
    "fetch-encoder",
    "info",
    "init-config",
    "optimize",
    "train",
]


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, spacy_bert_plugin.cli.main; "
        "heavy = {'torch', 'spacy', 'thinc', 'transformers'} & set(sys.modules); "
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_all_commands_are_listed(run: Callable[..., Any]) -> None:
    text = run("--help").text
    assert [name for name in COMMANDS if f" {name} " not in text] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(run: Callable[..., Any], name: str) -> None:
    outcome = run(name, "--help")
    assert (outcome.code, "Usage:" in outcome.text) == (0, True)


def test_spacy_has_the_commands_too() -> None:
    assert "bert" in spacy.registry.cli.get_all()
    from spacy.cli._util import app as spacy_app

    result = CliRunner().invoke(spacy_app, ["bert", "--help"])
    assert (result.exit_code, "debug-pieces" in result.output) == (0, True)


def test_errors_become_messages(capsys: pytest.CaptureFixture[str]) -> None:
    import typer

    with pytest.raises(typer.Exit) as caught, report_errors():
        raise SettingError("what to do")
    assert caught.value.exit_code == 1
    assert "what to do" in capsys.readouterr().err
    with pytest.raises(ZeroDivisionError), report_errors():
        _ = 1 / 0


def test_tables() -> None:
    rows = [["工学", 1234, "x"], ["b", 5, "yy"]]
    assert format_table(rows, header=["name", "n", ""]).split("\n") == [
        "name       n",
        "----   -----   --",
        "工学   1,234   x",
        "b          5   yy",
    ]
    assert format_table([], header=["a"]) == "a\n-"
