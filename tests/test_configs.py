"""Every shipped config: complete, trains, evaluates, saves and loads."""

from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin, Span
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import load_config

from spacy_bert_plugin.training.corpora import build_corpus_v1
from spacy_bert_plugin.util.pairs import make_pair_doc

# Those that learn from pairs of texts.
PAIRED = ("bert_embedder", "bert_pairs", "bert_qa", "bert_regressor")
CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.cfg"))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A few texts with one label, several labels, entities, and spans of which some nest."""
    nlp = spacy.blank("en")
    docs = []
    for number in range(12):
        doc = nlp.make_doc("play some music in london" if number % 2 else "book a table in paris")
        doc.cats = {"PLAY": float(number % 2), "BOOK": float(1 - number % 2)}
        doc.ents = [doc[-1:].char_span(0, len(doc[-1]), label="CITY")]
        doc.spans["sc"] = [*doc.ents, Span(doc, len(doc) - 2, len(doc), label="PLACE")]
        docs.append(doc)
    DocBin(docs=docs).to_disk(tmp_path / "data.spacy")
    pairs = [make_pair_doc(nlp, doc, "in paris") for doc in docs]
    for pair, doc in zip(pairs, docs, strict=True):
        pair.cats = doc.cats
        pair.spans["gold_answers"] = [pair[-1:]]
    DocBin(docs=pairs).to_disk(tmp_path / "pairs.spacy")
    return tmp_path / "data.spacy"


def test_the_configs_are_there() -> None:
    assert {path.name for path in CONFIGS} == {
        "bert_embedder.cfg",
        "bert_joint.cfg",
        "bert_ner.cfg",
        "bert_pairs.cfg",
        "bert_qa.cfg",
        "bert_regressor.cfg",
        "bert_spancat.cfg",
        "bert_textcat.cfg",
        "bert_textcat_multilabel.cfg",
        "joint.cfg",
        "ner.cfg",
        "textcat.cfg",
        "textcat_multilabel.cfg",
    }


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_config_trains_saves_and_loads(
    path: Path, corpus: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    corpus = corpus.with_name("pairs.spacy") if path.stem in PAIRED else corpus
    config = load_config(
        path,
        overrides={
            "paths.train": str(corpus),
            "paths.dev": str(corpus),
            "paths.log": str(tmp_path / "log.jsonl"),
            "components.bert_transformer.model.name": str(tiny_checkpoint),
            "components.bert_transformer.model.overlap": 8,
            "training.max_steps": 60,
            "training.eval_frequency": 20,
            "training.optimizer.learn_rate.warmup_steps": 5,
            "training.optimizer.learn_rate.initial_rate": 1e-3,
        },
    )
    nlp = init_nlp(config)
    (tmp_path / "model").mkdir()
    with (tmp_path / "out").open("w") as out:
        _, last = train(nlp, tmp_path / "model", stdout=out, stderr=out)
    assert last is not None
    best = spacy.load(tmp_path / "model" / "model-best")
    scores = best.evaluate(build_corpus_v1(corpus)(best))
    for key in ("ents_f", "cats_score", "spans_sc_f", "regression_score", "qa_em"):
        if key in scores:
            assert scores[key] > 0.9
    assert (tmp_path / "log.jsonl").read_text().count("\n") >= 3


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_optimizer_can_be_made_from_the_pipeline(path: Path, tiny_checkpoint: Path) -> None:
    overrides = {"components.bert_transformer.model.name": str(tiny_checkpoint)}
    nlp = spacy.util.load_model_from_config(load_config(path, overrides=overrides), auto_fill=True)
    assert nlp.create_optimizer().head_factor == 10.0


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_schedule_ends_where_training_ends(path: Path) -> None:
    training = load_config(path)["training"]
    assert training["optimizer"]["learn_rate"]["total_steps"] == training["max_steps"]
