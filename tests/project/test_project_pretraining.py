"""The workflows that pretrain: their settings fit each other, and one of them runs."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import get_data
import pytest
import srsly
from spacy.cli._util import parse_config_overrides
from spacy.util import load_config
from weasel.util import load_project_config

from spacy_bert_plugin.pretraining.settings import make_plan

ROOT = Path(__file__).parent.parent.parent
CONFIG: dict[str, Any] = load_project_config(ROOT)
LINES = [(command["name"], line) for command in CONFIG["commands"] for line in command["script"]]
MADE = {out for command in CONFIG["commands"] for out in command.get("outputs", [])}
PRETRAININGS = ("adapt", "pretrain_small", "pretrain_zh")
PRETRAIN_LINES = [line for _, line in LINES if "spacy bert pretrain " in line]
TUNE_LINES = [line for _, line in LINES if "scripts/run_seeds.py" in line]


@pytest.mark.parametrize("line", PRETRAIN_LINES)
def test_pretrainings_fit_their_settings(line: str) -> None:
    words = shlex.split(line)
    plan = make_plan(load_config(ROOT / words[5], overrides=parse_config_overrides(words[11:])))
    run, rate = plan.run, plan.config["pretraining"]["optimizer"]["learn_rate"]
    assert words[6] == "--output"
    assert words[8:10] == ["--overwrite", "--gpu-id"]
    assert rate["total_steps"] == run.max_steps
    assert run.max_steps % run.eval_frequency == 0
    assert run.precision == "auto"
    # From scratch with both tasks; or on from a checkpoint, with texts of one sentence.
    assert (plan.encoder.name is None) is (plan.encoder.tokenizer is not None)
    assert (plan.encoder.name is None) is (plan.pairs.weight > 0)
    chinese = plan.corpus.lang == plan.dev_corpus.lang == "zh"  # type: ignore[attr-defined, union-attr]
    assert chinese is ("_zh" in words[7])
    for corpus in (plan.corpus, plan.dev_corpus):
        (path,) = corpus.paths  # type: ignore[attr-defined, union-attr]
        assert path.as_posix() in MADE


@pytest.mark.parametrize("line", TUNE_LINES)
def test_several_seeds_fit_their_settings(line: str) -> None:
    words = shlex.split(line)
    assert words[2] in {"configs/bert_textcat.cfg", "configs/bert_ner.cfg"}
    assert all(f"{words[3]}/{part}.spacy" in MADE for part in ("train", "dev", "test"))
    assert words[4] in MADE
    assert words[5] in MADE
    overrides = parse_config_overrides(shlex.split(words[words.index("--options") + 1]))
    config = load_config(ROOT / words[2], overrides=overrides)
    training = config["training"]
    assert training["max_steps"] == training["optimizer"]["learn_rate"]["total_steps"]
    assert training["max_steps"] % training["eval_frequency"] == 0
    assert training["optimizer"]["learn_rate"]["warmup_steps"] < training["max_steps"] / 2
    assert (config["nlp"]["lang"] == "zh") is ("_zh_" in words[3])


@pytest.mark.parametrize("name", PRETRAININGS)
def test_both_starts_are_fine_tuned_alike(name: str) -> None:
    starts: dict[tuple[str, str], list[str]] = {}
    for line in (line for step, line in LINES if step == f"tune-{name}"):
        words = shlex.split(line)
        starts.setdefault((words[2], words[3]), []).append(words[words.index("--options") + 1])
    assert starts
    for options in starts.values():
        assert len(options) == 2
        assert options[0] == options[1]


# The space in front keeps weasel from taking it for an option of its own.
ONE_CHINESE_STEP = " --training.eval_frequency 1 --training.optimizer.learn_rate.warmup_steps 0"
LITTLE = (
    " --pretraining.eval_frequency 1 --pretraining.step_pieces 64 --pretraining.max_pieces 24"
    " --pretraining.encoder.sizes.width 8 --pretraining.encoder.sizes.n_layers 1"
    " --pretraining.encoder.sizes.n_heads 2 --pretraining.encoder.sizes.n_positions 256"
)


def test_pretraining_in_chinese_runs(
    run_step: Callable[..., None], project: Path, tmp_path: Path
) -> None:
    words = [("张三", "B-PER"), ("住", "O"), ("在", "O"), ("北京", "B-LOC"), ("。", "O")]
    rows = "".join(f"{i}\t{word}\t{tag}\t-\t-\n" for i, (word, tag) in enumerate(words, start=1))
    texts = "".join(f"第{i}天他在上海。后来他去了北京。他不住在那里。\n" for i in "一二三四五六")
    for name, text in (
        ("uner_zh_gsdsimp", f"# text = 张三住在北京。\n{rows}\n" * 3),
        ("zh_modern_text", f"{texts}张三住在北京。\n"),
    ):
        (tmp_path / "sets" / name).mkdir(parents=True)
        for file in get_data.FILES[name]:
            (tmp_path / "sets" / name / file).write_text(text, encoding="utf8")
    name = "pretrain_zh"
    variables = {"seeds": "4", "precision": "fp32", f"{name}_steps": 2, f"{name}_tuning_steps": 1}
    variables |= {f"{name}_pretraining": LITTLE, f"{name}_tuning": ONE_CHINESE_STEP}
    for step in CONFIG["workflows"][name]:
        options = {"data_dir": str(tmp_path / "sets")} if step.startswith("get") else {}
        run_step(step, **variables, **options)
    texts = (project / "corpus" / name / "train.jsonl").read_text(encoding="utf8")
    assert "后来" in texts
    assert "张三" not in texts  # It is in the test set.
    metrics = srsly.read_json(project / "metrics" / f"{name}.json")
    assert [row["start"] for row in metrics["rows"]] == ["random", "pretrained"]
    assert all(row["seeds"] == [4] for row in metrics["rows"])
    assert metrics["pretraining"][name].keys() >= {"word_accuracy", "unigram", "bigram"}
    assert "Next sentences told" in (project / "pages" / f"{name}.html").read_text(encoding="utf8")
