"""project.yml: it loads, what it names exists, and its quickstart runs."""

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

ROOT = Path(__file__).parent.parent.parent
CONFIG: dict[str, Any] = load_project_config(ROOT)
COMMANDS = {command["name"]: command for command in CONFIG["commands"]}
LINES = [(name, line) for name, command in COMMANDS.items() for line in command["script"]]
# What each step makes is what later steps need.
MADE = {out for command in COMMANDS.values() for out in command.get("outputs", [])}


TRAININGS = {name.removeprefix("train-") for name in COMMANDS if name.startswith("train-")}


def test_workflows_name_commands() -> None:
    assert set(CONFIG["workflows"]) >= {"quickstart", "pretrain_small", "pretrain_zh", "adapt"}
    steps = {step for steps in CONFIG["workflows"].values() for step in steps}
    assert steps == set(COMMANDS)
    assert {name for name in steps if name.startswith("get-")} == {
        f"get-{name}" for name in get_data.FILES
    }


@pytest.mark.parametrize(("name", "line"), LINES, ids=[name for name, _ in LINES])
def test_commands_name_files_that_exist(name: str, line: str) -> None:
    words = shlex.split(line)
    assert words[0] == "python"
    assert "${" not in line
    if words[1] == "-m":
        assert words[2] == "spacy"
    else:
        assert (ROOT / words[1]).is_file()
    for word in words[2:]:
        if word.startswith("configs/"):
            assert (ROOT / word).is_file()
        if word.startswith("corpus/") and word.endswith(".spacy"):
            assert word in MADE


@pytest.mark.parametrize("name", sorted(TRAININGS))
def test_trainings_fit_their_settings(name: str) -> None:
    variables = CONFIG["vars"]
    steps = int(variables[f"{name}_steps"])
    line = next(line for step, line in LINES if step == f"train-{name}")
    words = shlex.split(line)
    assert words[:5] == ["python", "-m", "spacy", "bert", "train"]
    assert words[6:10] == ["--output", f"training/{name}", "--overwrite", "--gpu-id"]
    config = load_config(ROOT / words[5], overrides=parse_config_overrides(words[11:]))
    training = config["training"]
    assert training["max_steps"] == training["optimizer"]["learn_rate"]["total_steps"] == steps
    assert training["optimizer"]["learn_rate"]["warmup_steps"] < steps / 2
    # The last step is evaluated, so that the best model may be the last one.
    assert steps % training["eval_frequency"] == 0
    assert config["components"]["bert_transformer"]["model"]["precision"] == "auto"
    assert training["before_to_disk"]["tune_thresholds"] is True
    assert (config["nlp"]["lang"] == "zh") is ("_zh_" in name)
    assert load_config(ROOT / words[5])["nlp"]["pipeline"] == config["nlp"]["pipeline"]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_dependencies_come_from_somewhere(name: str) -> None:
    for path in COMMANDS[name].get("deps", []):
        assert path in MADE or (ROOT / path).exists()


@pytest.mark.parametrize("name", sorted(get_data.FILES))
def test_data_comes_from_public_sources(name: str) -> None:
    assets = get_data.list_assets(name)
    assert assets
    for asset in assets:
        assert asset["url"].startswith("https://raw.githubusercontent.com/")
        assert asset["url"].endswith(Path(asset["dest"]).name)
    outputs = COMMANDS[f"get-{name}"]["outputs"]
    assert outputs == [f"assets/{name}/{file}" for file in get_data.FILES[name]]


def test_data_dir_reaches_the_command() -> None:
    line = COMMANDS["get-snips"]["script"][0]
    assert shlex.split(line)[-2:] == ["--data-dir", ""]
    config = load_project_config(ROOT, overrides={"vars.data_dir": "../my data"})
    lines = [line for command in config["commands"] for line in command["script"]]
    assert sum(shlex.split(line)[-2:] == ["--data-dir", "../my data"] for line in lines) == len(
        get_data.FILES
    )


# The space in front keeps weasel from taking it for an option of its own.
TWO_CHINESE_STEPS = (
    " --training.eval_frequency 1 --training.optimizer.learn_rate.warmup_steps 0 --nlp.lang zh"
    " --nlp.tokenizer.@tokenizers spacy.zh.ChineseTokenizer"
)


def test_quickstart_runs(run_step: Callable[..., None], project: Path, tiny_encoder: Path) -> None:
    for step in CONFIG["workflows"]["quickstart"]:
        if step != "encoder":
            run_step(step, encoder=str(tiny_encoder), quickstart_steps=1, seed=3)
    metrics = srsly.read_json(project / "metrics" / "quickstart.json")
    assert {"cats_score", "cats_acc", "cats_f_per_type", "ents_f", "ents_per_type"} <= set(metrics)
    assert metrics["n_docs"] == 20
    assert metrics["seed"] == 3
    assert metrics["minutes"] >= 0
    assert metrics["epochs"] == 1
    page = (project / "pages" / "quickstart.html").read_text(encoding="utf8")
    assert page.count("<li class=") == 20
    for text in (
        "Loss of bert_ner",
        "Words learned from in a second",
        "Labels of texts: 20 answers",
    ):
        assert text in page
    assert 0.0 <= metrics["cats_ece"] <= 1.0
    assert (project / "training" / "quickstart" / "curves.svg").is_file()


def test_data_steps_run(run_step: Callable[..., None], project: Path, tmp_path: Path) -> None:
    rows = "".join(f"word{i}\tB-person\nhere\tO\n\n" for i in range(4))
    (tmp_path / "sets" / "wnut17").mkdir(parents=True)
    for file in get_data.FILES["wnut17"]:
        (tmp_path / "sets" / "wnut17" / file).write_text(rows, encoding="utf8")
    run_step("get-wnut17", data_dir=str(tmp_path / "sets"))
    run_step("convert-wnut17")
    assert {path.name for path in (project / "corpus" / "wnut17").iterdir()} == {
        "train.spacy",
        "dev.spacy",
        "test.spacy",
    }


def test_chinese_runs(run_step: Callable[..., None], project: Path, tmp_path: Path) -> None:
    name = "uner_zh_gsdsimp"
    words = [("张三", "B-PER"), ("住", "O"), ("在", "O"), ("北京", "B-LOC"), ("。", "O")]
    rows = "".join(f"{i}\t{word}\t{tag}\t-\t-\n" for i, (word, tag) in enumerate(words, start=1))
    (tmp_path / "sets" / name).mkdir(parents=True)
    for file in get_data.FILES[name]:
        text = f"# text = 张三住在北京。\n{rows}\n" * 3
        (tmp_path / "sets" / name / file).write_text(text, encoding="utf8")
    for step in CONFIG["workflows"][name]:
        options = {"data_dir": str(tmp_path / "sets")} if step.startswith("get") else {}
        run_step(step, **options, **{f"{name}_steps": 1}, **{f"{name}_training": TWO_CHINESE_STEPS})
    metrics = srsly.read_json(project / "metrics" / f"{name}.json")
    assert metrics["n_docs"] == 3
    # Characters are tokens, and still the words of the file are found in them.
    assert set(metrics["ents_per_type"]) >= {"PER", "LOC"}
    page = (project / "pages" / f"{name}.html").read_text(encoding="utf8")
    assert "张三" in page
