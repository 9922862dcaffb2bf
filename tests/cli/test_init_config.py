import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin, Span
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import load_config_from_str, load_model_from_config

from spacy_bert_plugin.cli.config_text import COMMENTS, add_comments, arrange_config
from spacy_bert_plugin.cli.init_config import init_config
from spacy_bert_plugin.cli.recipe import COMPONENTS, compose_config
from spacy_bert_plugin.errors import SettingError

RunT = Callable[..., Any]


@pytest.mark.parametrize("use_gpu", [False, True], ids=["cpu", "gpu"])
@pytest.mark.parametrize("pipeline", [["bert_textcat", "bert_ner"], [*COMPONENTS]], ids=len)
def test_configs_build_pipelines(pipeline: list[str], use_gpu: bool, tiny_checkpoint: Path) -> None:
    text = init_config(pipeline, encoder=str(tiny_checkpoint), use_gpu=use_gpu)
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
    interpolated = config.interpolate()
    assert interpolated["components"]["bert_transformer"]["model"]["name"] == str(tmp_path)
    assert config["components"]["bert_transformer"]["model"]["batch_pieces"] is None
    rate = config["training"]["optimizer"]["learn_rate"]
    assert rate["@schedules"] == "spacy-bert-plugin.Warmup.v1"
    assert (rate["warmup"], rate["total_steps"]) == (0.1, "${training.max_steps}")
    assert config["corpora"]["train"]["@readers"] == "spacy-bert-plugin.Corpus.v1"


def test_batches_suit_the_device(tiny_checkpoint: Path) -> None:
    name = str(tiny_checkpoint)
    cpu = load_config_from_str(init_config(["bert_ner"], encoder=name))
    gpu = load_config_from_str(init_config(["bert_ner"], encoder=name, use_gpu=True))
    assert cpu["training"]["batcher"]["@batchers"] == "spacy.batch_by_words.v1"
    batcher = gpu["training"]["batcher"]
    assert batcher["@batchers"] == "spacy-bert-plugin.batch_by_pieces.v1"
    # Pieces are counted by the tokenizer of the encoder, also when that is changed.
    text = init_config(["bert_ner"], encoder=name, use_gpu=True)
    other = load_config_from_str(text, overrides={"paths.encoder": "other"}).interpolate()
    assert other["components"]["bert_transformer"]["model"]["name"] == "other"
    assert other["training"]["batcher"]["name"] == "other"
    assert batcher["name"] == "${paths.encoder}"
    precisions = [c["components"]["bert_transformer"]["model"]["precision"] for c in (cpu, gpu)]
    assert precisions == ["fp32", "auto"]


@pytest.mark.parametrize(
    ("pipeline", "tunes"),
    [(["bert_ner"], False), (["ner", "bert_textcat_multilabel"], True), (["ner"], None)],
)
def test_heads_are_calibrated(pipeline: list[str], tunes: bool | None) -> None:
    config = load_config_from_str(init_config(pipeline))
    found = config["training"]["before_to_disk"]
    if tunes is None:
        assert found is None
    else:
        assert found["@callbacks"] == "spacy-bert-plugin.calibrate.v1"
        assert (found["path"], found["tune_thresholds"]) == ("${paths.dev}", tunes)


def test_the_embedder_compares_texts_that_are_read_alone(tiny_checkpoint: Path) -> None:
    encoder = str(tiny_checkpoint)
    config = compose_config(
        ["bert_embedder"], encoder=encoder, lang="en", use_gpu=True, max_steps=9
    )
    for reader in config["corpora"].values():
        assert reader["augmenter"] == {"@augmenters": "spacy-bert-plugin.apart.v1"}
    assert config["training"]["batcher"]["@batchers"] == "spacy.batch_by_sequence.v1"
    assert "before_to_disk" not in config["training"]


def test_labels_exclude_each_other_or_not() -> None:
    config = load_config_from_str(init_config(["bert_textcat", "bert_textcat_multilabel"]))
    blocks = config["components"]
    assert blocks["bert_textcat"]["exclusive"] is True
    assert blocks["bert_textcat_multilabel"]["exclusive"] is False
    assert blocks["bert_textcat_multilabel"]["factory"] == "bert_textcat"


@pytest.mark.parametrize("max_steps", [1, 2])
def test_short_trainings_train(max_steps: int, tiny_checkpoint: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in ("paris is good", "rain in london")]
    for doc, place in zip(docs, (0, 2), strict=True):
        doc.ents = [Span(doc, place, place + 1, label="LOC")]
    DocBin(docs=docs).to_disk(tmp_path / "data.spacy")
    text = init_config(["bert_ner"], encoder=str(tiny_checkpoint), max_steps=max_steps)
    values = {f"paths.{name}": str(tmp_path / "data.spacy") for name in ("train", "dev")}
    values["components.bert_transformer.model.overlap"] = 8  # its windows are short
    config = load_config_from_str(text, overrides=values)
    trained, _ = train(init_nlp(config), None, stdout=io.StringIO(), stderr=io.StringIO())
    assert trained.get_pipe("bert_ner").labels == ("LOC",)


@pytest.mark.parametrize("pipeline", [[], ["ner", "ner"], ["ner", "entity_linker"]])
def test_components_without_a_recipe(pipeline: list[str]) -> None:
    with pytest.raises(SettingError, match="Cannot write a config"):
        init_config(pipeline)


def test_files_are_not_replaced(run: RunT, tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.cfg"
    outcome = run("init-config", path, "--pipeline", "bert_textcat, ner")
    assert outcome.code == 0
    assert f"python -m spacy bert train {path}" in outcome.text.replace("\n", "")
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
    text = init_config(["bert_textcat", "bert_ner", "bert_spancat"])
    assert [key for key, comment in COMMENTS.items() if f"\n# {comment}\n" not in text] == []
    assert add_comments("[nlp]\nlang = en\n") == "[nlp]\nlang = en\n"


def test_sections_in_order() -> None:
    text = "[b]\n[training]\nx = 1\n\n[b.c]\n[training.y]\n[nlp]\n[b.d]\n[b.c.e]\n[paths]\n"
    assert [line for line in arrange_config(text).split("\n") if line] == [
        *("[paths]", "[nlp]", "[training]", "x = 1", "[training.y]"),
        *("[b]", "[b.c]", "[b.c.e]", "[b.d]"),
    ]
