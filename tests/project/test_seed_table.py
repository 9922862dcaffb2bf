"""Several seeds of a fine-tuning: run, compared, drawn."""

import json
from pathlib import Path
from typing import Any

import pytest
import run_seeds
import seed_table
import spacy
import srsly
import torch
import typer
from spacy.tokens import DocBin

from spacy_bert_plugin.checkpoints import load_checkpoint

LOG_ROW: dict[str, Any] = {
    "step": 10,
    "pieces": 4000,
    "seconds": 30.0,
    "pieces_per_second": 100.0,
    "learn_rate": 1e-3,
    "word_loss": 5.0,
    "pair_loss": 0.6,
    "held_out": {"word_loss": 5.1, "word_accuracy": 0.3, "n_words": 9, "pair_loss": 0.5}
    | {"pair_accuracy": 0.8, "n_pairs": 4},
    "baselines": {"unigram": 0.05, "bigram": 0.15},
}


def write_seeds(folder: Path, scores: dict[str, list[float]]) -> None:
    for start, values in scores.items():
        for seed, value in enumerate(values):
            run = {"seed": seed, "dev": {"ents_f": value - 0.1}, "test": {"ents_f": value}}
            (folder / start).mkdir(parents=True, exist_ok=True)
            srsly.write_json(folder / start / f"{seed}.json", run)


def test_a_gain_beyond_the_spread_is_clear(tmp_path: Path) -> None:
    write_seeds(
        tmp_path / "news",
        {"pretrained": [0.7, 0.72], "random": [0.6, 0.62], "other": [0.61, 0.63]},
    )
    base, other, pretrained = seed_table.read_rows(tmp_path, baseline="random")
    assert (base.start, base.gain, base.seeds) == ("random", None, (0, 1))
    assert base.score == "ents_f"
    assert (*base.dev, *base.test) == pytest.approx((0.5, 0.52, 0.6, 0.62))
    assert (pretrained.gain, pretrained.dev_gain) == pytest.approx((0.1, 0.1))
    assert pretrained.is_clear
    assert (other.gain, other.is_clear) == (pytest.approx(0.01), False)
    assert seed_table.show_gain(pretrained) == "+10.0"
    assert seed_table.show_gain(other) == "+1.0 (within the spread)"
    assert seed_table.show_gain(base) == ""
    assert seed_table.show_spread(base.test) == "61.0 (60.0 to 62.0)"
    assert seed_table.show_spread((0.5,)) == "50.0"


def test_without_a_baseline(tmp_path: Path) -> None:
    write_seeds(tmp_path / "news", {"a": [0.5], "b": [0.6]})
    (tmp_path / "empty" / "a").mkdir(parents=True)
    rows = seed_table.read_rows(tmp_path, baseline="random")
    assert [(row.start, row.gain) for row in rows] == [("a", None), ("b", None)]
    assert seed_table.read_rows(tmp_path / "empty", baseline="random") == []


def test_the_best_step_of_a_pretraining(tmp_path: Path) -> None:
    worse = {**LOG_ROW, "held_out": {**LOG_ROW["held_out"], "word_loss": 6.0}}
    blind = {**LOG_ROW, "step": 30, "held_out": None}
    later = {**worse, "step": 20, "seconds": 60.0, "pieces": 8000}
    srsly.write_jsonl(tmp_path / "small.jsonl", [LOG_ROW, later, blind])
    srsly.write_jsonl(tmp_path / "blind.jsonl", [blind])
    found = seed_table.read_pretraining(tmp_path)
    assert list(found) == ["small"]
    assert found["small"] == pytest.approx(
        {
            "step": 10,
            "minutes": 1.0,
            "pieces": 8000,
            "word_loss": 5.1,
            "word_accuracy": 0.3,
            "unigram": 0.05,
            "bigram": 0.15,
            "pair_accuracy": 0.8,
        }
    )


def test_table_numbers_and_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_seeds(tmp_path / "metrics" / "news", {"pretrained": [0.7, 0.72], "random": [0.6, 0.62]})
    srsly.write_jsonl(tmp_path / "log.jsonl", [LOG_ROW])
    out, page = tmp_path / "out" / "all.json", tmp_path / "pages" / "all.html"
    log = f"small={tmp_path / 'log.jsonl'}"
    seed_table.main(tmp_path / "metrics", out, page, baseline="random", title="A & B", log=[log])
    printed = capsys.readouterr().out
    assert "71.0 (70.0 to 72.0)" in printed
    assert "30.0         5.0       15.0      80.0" in printed
    found = json.loads(out.read_text(encoding="utf8"))
    assert [row["start"] for row in found["rows"]] == ["random", "pretrained"]
    assert found["rows"][1]["gain"] == pytest.approx(0.1)
    assert list(found["pretraining"]) == ["small"]
    html = page.read_text(encoding="utf8")
    assert "A &amp; B" in html
    assert html.count('<circle class="c1"') >= 2
    assert "bigram 15.0, unigram 5.0" in html


@pytest.mark.parametrize("log", [None, ["small=nowhere.jsonl"]])
def test_nothing_to_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], log: list[str] | None
) -> None:
    out = tmp_path / "out.json"
    with pytest.raises(SystemExit):
        seed_table.main(tmp_path, out, out, baseline="random", title="", log=log)
    assert "nowhere.jsonl" in capsys.readouterr().out or log is None


def test_random_weights_of_the_same_shape(tmp_path: Path, tiny_encoder: Path) -> None:
    for seed, name in ((0, "a"), (0, "b"), (1, "c")):
        run_seeds.make_random(tiny_encoder, tmp_path / name, seed=seed)
    paths = (tiny_encoder, *map(tmp_path.joinpath, "abc"))
    given, *made = (load_checkpoint(path) for path in paths)
    assert all(one.encoder.config == given.encoder.config for one in made)
    assert all(one.tokenizer.json == given.tokenizer.json for one in made)
    name = next(iter(given.encoder.state_dict()))
    weights = [one.encoder.state_dict()[name] for one in (given, *made)]
    assert torch.equal(weights[1], weights[2])
    assert not torch.equal(weights[1], weights[3])
    assert not torch.equal(weights[0], weights[1])


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in ("good", "bad", "good good", "bad bad")]
    for doc in docs:
        doc.cats = {"good": float("good" in doc.text), "bad": float("bad" in doc.text)}
    for part in ("train", "dev", "test"):
        DocBin(docs=docs).to_disk(tmp_path / f"{part}.spacy")
    return tmp_path


def test_seeds_are_run_and_scored(
    project: Path, corpus: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "scores"
    out.mkdir()
    srsly.write_json(out / "7.json", {"from": "an earlier run"})
    schedule = "--training.optimizer.learn_rate"
    options = f"--training.max_steps 1 {schedule}.total_steps 1 {schedule}.warmup_steps 0"
    config = project / "configs" / "bert_textcat.cfg"
    run_seeds.main(config, corpus, tiny_encoder, out, seeds="3,5", random=True, options=options)
    runs = [srsly.read_json(path) for path in sorted(out.glob("*.json"))]
    assert [run["seed"] for run in runs] == [3, 5]
    for run in runs:
        assert 0.0 <= run["dev"]["cats_acc"] == run["test"]["cats_acc"] <= 1.0
        assert "speed" not in run["test"]
        assert run["minutes"] >= 0.0


def test_bad_input(
    project: Path, corpus: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, out = project / "configs" / "bert_textcat.cfg", corpus / "out"
    with pytest.raises(SystemExit):
        run_seeds.main(config, corpus / "none", tiny_encoder, out)
    assert "Run the steps before" in capsys.readouterr().out
    with pytest.raises(typer.Exit):
        run_seeds.main(config, corpus, corpus, out)
    assert run_seeds.read_seeds("0, 2,") == [0, 2]
    assert run_seeds.find_compared({"cats_ece": 0.1}) is None
