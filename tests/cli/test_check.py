"""`spacy-bert check`: a table, a report, and an exit code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.training import Example

from spacy_bert_plugin.checks.texts import GOLD
from spacy_bert_plugin.cli.check import read_rows
from spacy_bert_plugin.errors import SettingError
from tests.cli.conftest import Outcome

RunT = Callable[..., Outcome]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    nlp: Language = spacy.blank("en")
    nlp.add_pipe("textcat")
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc(t), gold) for t, gold in GOLD])
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


def test_a_pipeline_that_passes(run: RunT, model: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    result = run("check", model, "--rows", "1-3, 33", "--output", report)
    assert result.code == 0
    assert "5 passed, 0 failed, 0 skipped" in result.text
    found: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf8"))
    assert [row["row"] for row in found] == [0, 1, 2, 3, 33]
    assert {row["status"] for row in found} == {"passed"}


def test_a_factory_that_fails(run: RunT) -> None:
    result = run("check", "textcat", "--rows", "34,94")
    assert result.code == 1
    assert "1 passed, 1 failed, 1 skipped" in result.text
    assert "batch_size=0" in result.text


def test_errors_are_messages(run: RunT, model: Path, tmp_path: Path) -> None:
    for arguments in ([model, "--rows", "x"], [model, "--rows", "200"], [tmp_path / "none"]):
        result = run("check", *arguments)
        assert result.code == 1
        assert "Traceback" not in result.text


def test_rows_are_read() -> None:
    assert read_rows("1-3,7") == [1, 2, 3, 7]
    assert read_rows(" 4 , 2 - 2") == [4, 2]
    assert read_rows("3-1") == []
    for text in ("", "1,,2", "a", "1-", "-1", "\u0661"):
        with pytest.raises(SettingError, match="1-20,33,41"):
            read_rows(text)
