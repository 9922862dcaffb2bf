from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spacy.util import load_config_from_str, load_model_from_config

from spacy_bert_plugin.cli.config_text import COMMENTS, add_comments, arrange_config
from spacy_bert_plugin.cli.init_config import init_config
from spacy_bert_plugin.cli.recipe import COMPONENTS
from spacy_bert_plugin.errors import SettingError

RunT = Callable[..., Any]


@pytest.mark.parametrize("pipeline", [["textcat", "ner"], [*COMPONENTS]], ids=len)
def test_configs_build_pipelines(pipeline: list[str], tiny_checkpoint: Path) -> None:
    text = init_config(pipeline, encoder=str(tiny_checkpoint))
    config = load_config_from_str(text)
    nlp = load_model_from_config(config, auto_fill=False, validate=True)
    assert nlp.pipe_names == ["bert_transformer", *pipeline]
    # A filled config has nothing left to fill in
    assert load_config_from_str(arrange_config(nlp.config.to_str())) == config
    assert nlp.get_pipe("bert_transformer").listening_components == pipeline


def test_settings_arrive(tmp_path: Path) -> None:
    text = init_config(["ner"], encoder=str(tmp_path), lang="de", use_gpu=True, max_steps=50)
    config = load_config_from_str(text)
    assert config["nlp"]["lang"] == "de"
    assert config["components"]["bert_transformer"]["model"]["name"] == str(tmp_path)
    assert config["components"]["bert_transformer"]["model"]["batch_pieces"] == 16384
    rate = config["training"]["optimizer"]["learn_rate"]
    assert (rate["warmup_steps"], rate["total_steps"]) == (50, "${training.max_steps}")
    assert config["corpora"]["train"]["@readers"] == "spacy-bert-plugin.Corpus.v1"


@pytest.mark.parametrize("pipeline", [[], ["ner", "ner"], ["ner", "entity_linker"]])
def test_components_without_a_recipe(pipeline: list[str]) -> None:
    with pytest.raises(SettingError, match="Cannot write a config"):
        init_config(pipeline)


def test_files_are_not_replaced(run: RunT, tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.cfg"
    outcome = run("init-config", path, "--pipeline", "textcat, ner")
    assert outcome.code == 0
    assert "spacy train" in outcome.text
    text = path.read_text()
    assert "# The learning rate falls to 0 at this step\nmax_steps = 3000\n" in text
    assert run("init-config", path).code == 1
    assert path.read_text() == text
    assert run("init-config", path, "-p", "ner", "--force").code == 0
    assert path.read_text() != text


def test_to_the_terminal(run: RunT) -> None:
    outcome = run("init-config", "-", "-p", "ner")
    assert load_config_from_str(outcome.raw)["nlp"]["pipeline"] == ["bert_transformer", "ner"]


def test_every_comment_has_its_setting() -> None:
    text = init_config(["ner"])
    assert [key for key, comment in COMMENTS.items() if f"\n# {comment}\n" not in text] == []
    assert add_comments("[nlp]\nlang = en\n") == "[nlp]\nlang = en\n"


def test_sections_in_order() -> None:
    text = "[b]\n[training]\nx = 1\n\n[b.c]\n[training.y]\n[nlp]\n[b.d]\n[b.c.e]\n[paths]\n"
    assert [line for line in arrange_config(text).split("\n") if line] == [
        *("[paths]", "[nlp]", "[training]", "x = 1", "[training.y]"),
        *("[b]", "[b.c]", "[b.c.e]", "[b.d]"),
    ]
