"""`spacy-bert benchmark`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_bert_plugin.cli.benchmark_report import (
    align,
    list_agreement,
    list_rows,
    make_panels,
    show_memory,
)
from spacy_bert_plugin.cli.measure.agreement import Agreement
from spacy_bert_plugin.cli.measure.result import Measured, Result, Turn

RunT = Callable[..., Any]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small pipeline that finds entities."""
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "CITY", "pattern": "Paris"}])
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("Paris in the rain\nPlay some music in Paris.\n")
    return path


def test_two_pipelines_side_by_side(run: RunT, model: Path, texts: Path, tmp_path: Path) -> None:
    output, picture = tmp_path / "report.json", tmp_path / "speed.svg"
    outcome = run(
        "benchmark", f"one={model}", f"two={model},nlp.batch_size=1", "--texts", texts,
        "--rounds", 2, "--batch-size", 2, "--min-batches", 3, "--threads", 1,
        "--output", output, "--picture", picture,
    )  # fmt: skip
    assert outcome.code == 0, outcome.raw
    assert "2 texts, 10 words; medians of 2 rounds" in outcome.text
    assert "agreement with one entities F" in outcome.text
    assert "two 100.00% -" in outcome.text
    report = json.loads(output.read_text(encoding="utf8"))
    one, two = report["pipelines"]
    assert (one["batch_size"], one["batches_per_round"]) == (2, 3)
    assert (two["batch_size"], two["batches_per_round"]) == (1, 4)
    assert one["words_per_second"]["median"] > 0
    assert one["agreement"] is None
    assert two["agreement"]["entities_f"] == 1.0
    assert report["machine"]["versions"]["spacy"] == spacy.__version__
    assert report["texts"] == {
        "files": ["texts.txt"], "n_texts": 2, "n_characters": 42, "n_words": 10,
        "n_pieces": None, "seed": 0,
    }  # fmt: skip
    assert picture.read_text(encoding="utf8").startswith("<svg")


def test_a_pipeline_that_does_not_load(run: RunT, texts: Path) -> None:
    outcome = run("benchmark", "no_such_pipeline", "--texts", texts, "--threads", 1)
    assert outcome.code == 1
    assert "no_such_pipeline failed to load" in outcome.text
    assert "E050" in outcome.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["m", "--picture", "speed.jpg"], "has to end in .svg or .png"),
        (["m", "--output", "nowhere/at/all.json"], "there is no folder"),
        (["m", "--output", "."], "it is a folder"),
        (["m", "--device", "tpu"], "must be cpu or cuda"),
        (["m", "m"], "2 of the pipelines would be called 'm'"),
        (["m,precision=bf16"], "does not name a pipeline"),
    ],
)
def test_what_cannot_work_is_said_at_once(
    run: RunT, texts: Path, arguments: list[str], message: str
) -> None:
    outcome = run("benchmark", *arguments, "--texts", texts)
    assert outcome.code == 1
    assert message in outcome.text


def test_texts_that_are_not_there(run: RunT, tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    assert "found none" in run("benchmark", "m", "--texts", empty).text
    assert "There is no file" in run("benchmark", "m", "--texts", tmp_path / "a.txt").text
    assert run("benchmark", "m").code == 2


def make_result(**known: Any) -> Result:
    turns = [Turn(1.0, [0.002]), Turn(2.0, [0.004])]
    common: dict[str, Any] = {"batch_size": 1, "n_passes": 1, "load_seconds": 1.25, "turns": turns}
    memory = {"peak_bytes": 2**30, "gpu_peak_bytes": 2**31}
    agreement = Agreement(entities_f=0.5)
    return Result(
        [Measured("a", **common), Measured("b", memory=memory, agreement=agreement, **common)],
        {}, 10, 12_000, 15_000,
    )  # fmt: skip


def test_rows() -> None:
    first, second = make_result().summarise()
    rows = list_rows([first, second])
    assert rows[0][:4] == ["a", "9,000 (6,000 to 12,000)", "   1", "11,250"]
    assert rows[1][2:] == ["1.00 (1.00 to 1.00)", "11,250", "3.0 (2.0 to 4.0)", "3.0",
                           "1,024 + 2,048 GPU", "1.2"]  # fmt: skip
    assert show_memory(first) == "-"
    assert list_agreement([first, second]) == [["b", "50.00%", "-", "-", "-", "-"]]
    assert list_rows([]) == list_agreement([]) == []
    assert align(["1 (2)", "10 (2)", "-"]) == [" 1 (2)", "10 (2)", " -"]
    assert align([]) == []


def test_panels_hold_what_was_measured() -> None:
    panels = {panel.title: panel for panel in make_panels(make_result().summarise())}
    assert [bar.name for bar in panels["Speed"].bars] == ["a", "b"]
    assert panels["Speed"].bars[0].low == 6000.0
    assert [(bar.name, bar.text, bar.colour) for bar in panels["Peak memory"].bars] == [
        ("b", "1,024 MiB", 1)
    ]
    assert [panel.bars for panel in make_panels([])] == [()] * 5
