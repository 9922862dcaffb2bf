import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import spacy

from spacy_bert_plugin.cli import run_curves
from spacy_bert_plugin.cli.run_curves import make_charts, write_curves
from spacy_bert_plugin.cli.step_bar import StepBar, has_own_bar
from tests.training.tiny_runs import ACTIONS, make_config, read_log, read_step, write_data

RunT = Callable[..., Any]
ROW: dict[str, Any] = {
    "step": 0, "batches": 1, "losses": {"ner": 5.0}, "scores": {"ents_f": 20.0, "speed": 9.0},
    "score": 0.2, "learn_rate": 1e-4, "words_per_second": 100.0,
}  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config file of a training of five steps."""
    data = write_data(tmp_path / "data.spacy")
    made = make_config("plain", data, max_steps=4)
    # `spacy train` fills this one in
    made.to_disk(tmp_path / "config.cfg")
    return tmp_path / "config.cfg"


@pytest.fixture
def at_step() -> Iterator[dict[int, Any]]:
    yield ACTIONS
    ACTIONS.clear()


def test_a_run_from_start_to_end(run: RunT, config: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    outcome = run("train", config, "--output", output)
    assert outcome.code == 0, outcome.raw
    assert "Ended after step 4: all steps are done" in outcome.text
    assert re.search(r"Best score: 0\.\d+ at step|Best score: 1.0000 at step", outcome.text)
    assert "SCORE" in outcome.text  # the table of the config's own logger
    assert spacy.load(output / "model-best").pipe_names == ["tagger", "textcat"]
    curves = ElementTree.parse(output / "curves.svg").getroot()
    text = " ".join(curves.itertext())
    for title in ("Scores on the", "Learning rate", "Words learned", "Loss of tagger"):
        assert title in text
    before = (output / "model-best" / "meta.json").stat().st_mtime_ns
    refused = run("train", config, "--output", output)
    assert refused.code == 1
    for word in ("model-best", "--resume", "--overwrite"):
        assert word in refused.text
    assert (output / "model-best" / "meta.json").stat().st_mtime_ns == before
    again = run("train", config, "-o", output, "--overwrite", "--training.max_steps", 1)
    assert (again.code, len(read_log(output))) == (0, 1)


def test_interrupted_run_goes_on(
    run: RunT, config: Path, tmp_path: Path, at_step: dict[int, Any]
) -> None:
    output = tmp_path / "run"
    at_step[2] = lambda nlp: os.kill(os.getpid(), signal.SIGINT)
    outcome = run("train", config, "--output", output, "--resume")
    assert outcome.code == 130
    assert "There is no run in" in outcome.text
    assert "Interrupted after step 2" in outcome.text
    assert "the same command with --resume" in outcome.text
    assert read_step(output) == 2
    at_step.clear()
    outcome = run("train", config, "--output", output, "--resume")
    assert outcome.code == 0, outcome.raw
    assert "Goes on after step 2" in outcome.text
    assert [row["step"] for row in read_log(output)] == [0, 4]


def test_a_run_that_a_guard_stops(
    run: RunT, config: Path, tmp_path: Path, at_step: dict[int, Any]
) -> None:
    def spoil(nlp: Any) -> None:
        for node in nlp.get_pipe("textcat").model.walk():
            for name in node.param_names:
                node.set_param(name, node.get_param(name) * float("nan"))

    at_step[3] = spoil
    outcome = run("train", config, "--output", tmp_path / "run")
    assert outcome.code == 1
    assert "TrainingError Training stopped at step 3." in outcome.text
    assert "model-best" in outcome.text


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--resume"], "needs the folder of the run"),
        (["--resume", "--overwrite", "-o", "x"], "each other's opposite"),
        (["--save-every", "-1"], "Invalid value for '--save-every'"),
        (["--nothing", "1"], "'--nothing' is neither"),
        (["-o", "config.cfg"], "config.cfg"),
    ],
)
def test_what_users_get_wrong(
    args: list[str], message: str, run: RunT, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    outcome = run("train", config, *args)
    assert outcome.code != 0
    assert message in outcome.text
    assert sorted(os.listdir()) == ["config.cfg", "data.spacy"]


def test_a_config_that_is_not_there(run: RunT, tmp_path: Path) -> None:
    outcome = run("train", tmp_path / "no.cfg")
    assert outcome.code == 1
    assert "no.cfg" in outcome.text


def test_the_frozen_and_the_annotating_are_named(run: RunT, config: Path) -> None:
    outcome = run(
        "train", config, "--training.annotating_components", '["tagger"]', "--training.max_steps=1"
    )
    assert outcome.code == 0, outcome.raw
    assert "Set annotations on update for: ['tagger']" in outcome.text


def test_curves_of_scores_with_weights() -> None:
    rows = [ROW, {**ROW, "step": 4, "batches": 4, "losses": {"ner": 8.0}, "score": 0.4}]
    charts = {chart.title: chart for chart in make_charts(rows, shown=["ents_f", "speed", "no"])}
    scores = charts["Scores on the development data"]
    assert [(curve.name, curve.ys) for curve in scores.curves] == [
        ("score", (20.0, 40.0)),
        ("ents_f", (20.0, 20.0)),
    ]
    assert charts["Loss of ner, a batch"].curves[0].ys == (5.0, 2.0)
    # the weighted score is left out where it is that of the only metric
    (only,) = make_charts([ROW], shown=["ents_f"])[0].curves
    assert only.name == "ents_f"
    assert make_charts([{**ROW, "score": 3.0}], shown=[])[0].top is None
    assert make_charts([], shown=[]) == []


def test_the_picture_is_replaced_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "curves.svg"
    write_curves([], path, shown=[])
    assert "No points" in path.read_text()
    monkeypatch.setattr(run_curves.os, "replace", lambda *args: None)
    write_curves([ROW], path, shown=[])
    assert "No points" in path.read_text()


@pytest.mark.parametrize(
    ("logger", "is_own"),
    [
        ({"@loggers": "spacy.ConsoleLogger.v3", "progress_bar": "train"}, True),
        ({"@loggers": "spacy.ConsoleLogger.v3", "progress_bar": None}, False),
        ({"@loggers": "spacy.ConsoleLogger.v1"}, False),
        (None, False),
    ],
)
def test_one_bar_is_enough(logger: Any, is_own: bool) -> None:
    assert has_own_bar(logger) is is_own


class Terminal:
    """A stream that is a terminal."""

    encoding = "utf8"

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("there is no file")

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        """Nothing is kept back."""


@pytest.mark.parametrize(("is_terminal", "is_shown"), [(True, True), (False, True), (True, False)])
def test_the_bar_is_for_terminals(
    is_terminal: bool, is_shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Terminal()
    monkeypatch.setattr(stream, "isatty", lambda: is_terminal)
    monkeypatch.setattr("sys.stderr", stream)
    bar = StepBar(10, is_shown=is_shown)
    bar.make_room()
    bar.step(5)
    bar.make_room()
    bar.close()
    assert ("5/11" in stream.text) is (is_terminal and is_shown)
