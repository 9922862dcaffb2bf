"""Trainings of a few seconds, whole: config, data, and something that can happen at a step.

Also a file for `--code`: what is registered here can be used by a config.
"""

import io
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.util import load_config_from_str
from thinc.api import Config

# What happens before the update of a step. Nothing in it is part of a config, so that an
# interrupted run and the one that goes on have the same.
ACTIONS: dict[int, Callable[[Language], None]] = {}
KILL_AT = "TINY_RUN_KILL_AT"

BASE = """
[nlp]
lang = "en"

[corpora]

[corpora.train]
@readers = "spacy.Corpus.v1"

[corpora.dev]
@readers = "spacy.Corpus.v1"

[training]
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"
seed = 3
gpu_allocator = null
dropout = 0.2
max_steps = 12
eval_frequency = 4

[training.before_update]
@callbacks = "tiny_runs.act.v1"

[training.batcher]
@batchers = "spacy.batch_by_words.v1"
tolerance = 0.2
discard_oversize = false

[training.batcher.size]
@schedules = "compounding.v1"
start = 12
stop = 40
compound = 1.1
"""
# Adam with averages, and batches that grow.
PLAIN = """
[components]

[components.tagger]
factory = "tagger"

[components.tagger.model]
@architectures = "spacy.Tagger.v2"

[components.tagger.model.tok2vec]
@architectures = "spacy.HashEmbedCNN.v2"
pretrained_vectors = null
width = 8
depth = 1
embed_size = 50
window_size = 1
maxout_pieces = 2
subword_features = true

[components.textcat]
factory = "textcat"

[components.textcat.model]
@architectures = "spacy.TextCatBOW.v3"
exclusive_classes = true
length = 64
ngram_size = 1
no_output_layer = false
"""
SHARED = """
[components]

[components.bert_transformer]
factory = "bert_transformer"

[components.bert_transformer.model]
@architectures = "spacy-bert-plugin.BertEncoder.v1"
overlap = 8
"""
ENCODER = f"""{SHARED}
[components.ner]
factory = "ner"

[components.ner.model]
@architectures = "spacy.TransitionBasedParser.v2"
state_type = "ner"
extra_state_tokens = false
hidden_width = 8
maxout_pieces = 2
use_upper = false

[components.ner.model.tok2vec]
@architectures = "spacy-bert-plugin.BertListener.v1"
upstream = "*"
"""
HEAD = f"""{SHARED}
[components.bert_ner]
factory = "bert_ner"

[components.bert_ner.model]
@architectures = "spacy-bert-plugin.TokenClassifier.v1"
use_crf = true

[components.bert_ner.model.tok2vec]
@architectures = "spacy-bert-plugin.BertListener.v1"
"""
ADAMW = """
[training.optimizer]
@optimizers = "spacy-bert-plugin.AdamW.v1"

[training.optimizer.learn_rate]
@schedules = "warmup_linear.v1"
initial_rate = 1e-3
warmup_steps = 3
total_steps = 12
"""
PIPELINES = {"plain": PLAIN, "encoder": ENCODER + ADAMW, "bert_ner": HEAD + ADAMW}


@spacy.registry.callbacks("tiny_runs.act.v1")
def make_actor() -> Callable[[Language, dict[str, Any]], None]:
    def act(nlp: Language, when: dict[str, Any]) -> None:
        if os.environ.get(KILL_AT) == str(when["step"]):
            os.kill(os.getpid(), signal.SIGKILL)
        if when["step"] in ACTIONS:
            ACTIONS[when["step"]](nlp)

    return act


@spacy.registry.readers("tiny_runs.stream.v1")
def make_stream(path: Path) -> Callable[[Language], Iterator[Example]]:
    """A reader that never ends and counts what it reads."""

    def read(nlp: Language) -> Iterator[Example]:
        docs = list(DocBin().from_disk(path).get_docs(nlp.vocab))
        while True:
            for doc in docs:
                yield Example(nlp.make_doc(doc.text), doc)

    return read


def write_data(path: Path, *, n_docs: int = 24) -> Path:
    """Write a corpus with tags, one category and one entity a text."""
    nlp = spacy.blank("en")
    docs = []
    for number in range(n_docs):
        text = "play some music in london" if number % 2 else "book a table in paris"
        doc = nlp.make_doc(text + " please" * (number % 5))
        doc.cats = {"PLAY": float(number % 2), "BOOK": float(1 - number % 2)}
        doc.ents = [doc[4:5].char_span(0, len(doc[4]), label="CITY")]
        for token in doc:
            token.tag_ = "V" if token.text in ("play", "book") else "X"
        docs.append(doc)
    DocBin(docs=docs).to_disk(path)
    return path


def make_config(kind: str, data: Path, *, encoder: Path | None = None, **training: Any) -> Config:
    """Make the config of a run. `training`: settings of that section."""
    config = load_config_from_str(BASE + PIPELINES[kind])
    config["nlp"]["pipeline"] = list(config["components"])
    for corpus in config["corpora"].values():
        corpus["path"] = str(data)
    if "bert_transformer" in config["components"]:
        config["components"]["bert_transformer"]["model"]["name"] = str(encoder)
    config["training"].update(training)
    return config


def run(config: Config, output: Path | None, **settings: Any) -> Any:
    """Train in silence."""
    from spacy_bert_plugin.training.loop import train

    nlp = init_nlp(config.copy())
    return train(nlp, output, stdout=io.StringIO(), stderr=io.StringIO(), **settings)


def read_log(output: Path) -> list[dict[str, Any]]:
    """Read the rows of a log, without what depends on the clock."""
    rows = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    for row in rows:
        row["scores"].pop("speed", None)
        for key in ("seconds", "words_per_second"):
            row.pop(key)
    return rows


def read_step(output: Path) -> int:
    """The step that a run would go on after."""
    state = json.loads((output / "resume" / "state.json").read_text())
    return int(state["progress"]["step"])


def read_weights(model: Path) -> dict[str, bytes]:
    """The files of a saved pipeline that hold weights."""
    names = ("model", "model.safetensors")
    files = (path for path in sorted(model.rglob("*")) if path.name in names)
    return {str(path.relative_to(model)): path.read_bytes() for path in files if path.is_file()}
