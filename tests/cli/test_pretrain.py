import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from spacy_bert_plugin.checkpoints import load_checkpoint
from spacy_bert_plugin.cli import pretrain_rows
from spacy_bert_plugin.cli.pretrain_charts import make_pretraining_charts
from spacy_bert_plugin.cli.pretrain_rows import (
    PretrainingBar,
    format_row,
)
from tests.pretraining.tiny_corpus import write_text

RunT = Callable[..., Any]
SHIPPED = Path(__file__).parents[2] / "configs" / "pretraining" / "pretrain.cfg"
ROW: dict[str, Any] = {
    "step": 5, "epoch": 0, "pieces": 12_345, "seconds": 1.5, "pieces_per_second": 8230.4,
    "learn_rate": 1e-4, "word_loss": 5.4321, "pair_loss": 0.0, "held_out": None, "baselines": None,
}  # fmt: skip
HELD_OUT = {
    "word_loss": 5.0, "word_accuracy": 0.25, "n_words": 9, "pair_loss": 0.6, "pair_accuracy": 0.75,
    "n_pairs": 4,
}  # fmt: skip


@pytest.fixture
def options(tmp_path: Path, tokenizer_json: str) -> list[object]:
    """What makes the shipped config a tiny run."""
    (tmp_path / "train.txt").write_text(write_text(0), encoding="utf8")
    (tmp_path / "dev.txt").write_text(write_text(1, n_documents=3), encoding="utf8")
    (tmp_path / "tokenizer.json").write_text(tokenizer_json, encoding="utf8")
    values = {
        "paths.train": tmp_path / "train.txt",
        "paths.dev": tmp_path / "dev.txt",
        "paths.tokenizer": tmp_path / "tokenizer.json",
        "corpora.train.documents": "blank",
        "corpora.train.sentences": "lines",
        "pretraining.max_steps": 4,
        "pretraining.eval_frequency": 2,
        "pretraining.step_pieces": 200,
        "pretraining.max_pieces": 32,
        "pretraining.precision": "fp32",
        "pretraining.encoder.sizes.width": 32,
        "pretraining.encoder.sizes.n_layers": 1,
        "pretraining.encoder.sizes.n_positions": 64,
    }
    return [part for name, value in values.items() for part in (f"--{name}", value)]


def test_a_run_from_start_to_end(run: RunT, options: list[object], tmp_path: Path) -> None:
    output = tmp_path / "run"
    done = run("pretrain", SHIPPED, "--output", output, *options)
    assert done.code == 0, done.raw
    for text in ("8 documents", "random weights", "float32", "dev words %", "unigram", "bigram"):
        assert text in done.text
    assert "Ended after step 4: all steps are done" in done.text
    assert "Lowest held-out loss" in done.text
    texts = " ".join(ElementTree.parse(output / "curves.svg").getroot().itertext())
    for title in ("Loss of masked words", "Masked words guessed", "Next sentences told"):
        assert title in texts
    assert len((output / "log.jsonl").read_text().splitlines()) == 2
    assert load_checkpoint(output / "model-best", is_own=True).encoder.config.width == 32
    refused = run("pretrain", SHIPPED, "--output", output, *options)
    assert refused.code == 1
    assert "--overwrite" in refused.text
    again = run("pretrain", SHIPPED, "-o", output, "--overwrite", *options)
    assert again.code == 0
    assert len((output / "log.jsonl").read_text().splitlines()) == 2


def test_ctrl_c_saves_and_the_run_goes_on(
    run: RunT, options: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run("pretrain", SHIPPED, "--output", tmp_path / "whole", *options)
    assert whole.code == 0
    real = PretrainingBar.step

    def interrupt(bar: PretrainingBar, number: int, n_pieces: int) -> None:
        real(bar, number, n_pieces)
        if number == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(PretrainingBar, "step", interrupt)
        stopped = run("pretrain", SHIPPED, "--output", tmp_path / "run", *options)
    assert stopped.code == 130
    assert "Interrupted after step 3" in stopped.text
    assert "--resume" in stopped.text
    done = run("pretrain", SHIPPED, "--output", tmp_path / "run", "--resume", *options)
    assert done.code == 0, done.raw
    assert "Goes on after step 3" in done.text
    rows = [
        [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("run", "whole")
    ]
    for one, two in zip(*rows, strict=True):
        assert (one["word_loss"], one["held_out"]) == (two["word_loss"], two["held_out"])


def test_there_is_nothing_to_go_on_with(run: RunT, options: list[object], tmp_path: Path) -> None:
    done = run("pretrain", SHIPPED, "--output", tmp_path / "run", "--resume", *options)
    assert done.code == 0
    assert "There is no run" in done.text


def test_errors_are_messages(run: RunT, options: list[object], tmp_path: Path) -> None:
    output = tmp_path / "run"
    more = ["--pretraining.encoder.name", tmp_path / "none"]
    failed = run("pretrain", SHIPPED, "--output", output, *options, *more)
    assert failed.code == 1
    assert "none" in failed.text
    (tmp_path / "train.txt").write_bytes(b"fine\nM\xfcnchen\n")
    failed = run("pretrain", SHIPPED, "--output", output, *options)
    assert failed.code == 1
    assert "train.txt, line 2" in failed.text
    assert not (output / "pieces" / "train").exists()


def test_rows_without_held_out_text() -> None:
    assert format_row(ROW).split() == ["5", "12,345", "5.4321", "-", "-", "-", "-", "8,230"]
    row = {**ROW, "held_out": HELD_OUT, "baselines": {"unigram": 0.1, "bigram": 0.2}}
    assert format_row(row).split()[4:7] == ["5.0000", "25.00", "75.00"]
    assert format_row(row, "bigram").split() == ["bigram", "20.00"]
    assert make_pretraining_charts([]) == []
    charts = {chart.title: chart.curves for chart in make_pretraining_charts([ROW])}
    assert [curve.name for curve in charts["Loss of masked words"]] == ["learned text"]
    assert charts["Masked words guessed"] == ()
    charts = {chart.title: chart.curves for chart in make_pretraining_charts([row])}
    names = [curve.name for curve in charts["Masked words guessed"]]
    assert names == ["model", "bigram", "unigram"]
    assert charts["Masked words guessed"][1].ys == (20.0,)


def test_the_bar_shows_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []
    real = pretrain_rows.tqdm

    def open_bar(**settings: Any) -> Any:
        shown.append(settings)
        return real(**{**settings, "disable": True})

    monkeypatch.setattr(pretrain_rows, "tqdm", open_bar)
    bar = PretrainingBar(10)
    bar.add_corpus("train", 5)
    bar.add_corpus("dev", 5)
    bar.start(3)
    bar.step(4, 100)
    bar.make_room()
    bar.close()
    bar.close()
    assert [settings.get("desc") for settings in shown] == ["Reading train", "Reading dev", None]
    assert (shown[2]["total"], shown[2]["initial"]) == (10, 3)
