"""The spaCy jobs of `quality.py`: a config of this project, trained as `spacy train` does."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from corpora import read_examples
from job import Job, Outcome
from pipelines import STRIDED_SPANS, THEIR_LISTENER
from recipes import DATA_SETS, OUR_CONFIGS, SPACY_CONFIGS

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
LISTENERS = ("spacy-bert-plugin.BertListener.v1", "spacy-bert-plugin.BertPooledListener.v1")


def train_pipeline(job: Job) -> Outcome:
    """Train, take the best model of dev, test it. Our configs calibrate what they save on dev."""
    import spacy
    from spacy.training.initialize import init_nlp
    from spacy.training.loop import train

    output = Path(job.folder) / "training"
    output.mkdir()
    nlp = init_nlp(make_config(job))
    clock = Clock(nlp)
    start = time.perf_counter()
    train(nlp, output)
    clock.go_on()
    seconds = time.perf_counter() - start - clock.seconds
    del nlp
    best = spacy.load(output / "model-best")
    return test_pipeline(job, best, seconds=seconds, clock=clock)


def make_config(job: Job) -> Any:
    """The config of the system, with what the recipe and its overrides say."""
    from spacy.util import load_config

    kind, recipe = DATA_SETS[job.data].kind, job.recipe
    names = OUR_CONFIGS if job.system == "ours" else SPACY_CONFIGS
    config = load_config(CONFIGS / names[kind])
    schedule = {
        "@schedules": "warmup_linear.v1",
        "initial_rate": recipe.learn_rate,
        "warmup_steps": math.ceil(recipe.warmup * job.n_steps),
        "total_steps": job.n_steps,
    }
    values: dict[str, Any] = {
        "paths.train": job.paths["train"],
        "paths.dev": job.paths["dev"],
        "system.seed": job.seed,
        "training.dropout": recipe.dropout,
        # The same batches for all: ours would plan them by pieces.
        "training.batcher": {
            "@batchers": "spacy.batch_by_words.v1",
            "size": recipe.batch_words,
            "tolerance": 0.2,
            "discard_oversize": False,
        },
        # spaCy counts steps from zero and makes the last one as well.
        "training.max_steps": job.n_steps,
        "training.max_epochs": 0,
        "training.eval_frequency": job.eval_every,
        "training.patience": 0,
        "training.logger": {"@loggers": "spacy.ConsoleLogger.v1", "progress_bar": False},
        "training.optimizer.learn_rate": schedule,
        "components.bert_transformer.model.name": job.checkpoint,
        "components.bert_transformer.model.precision": recipe.precision,
        "training.optimizer.head_factor": recipe.head_factor,
    }
    for path, value in values.items():
        set_value(config, path, value)
    if job.system == "spacy-transformers":
        replace_encoder(config, checkpoint=job.checkpoint)
        config["training"]["optimizer"] = their_optimizer(schedule)
    for path, value in job.overrides.items():
        set_value(config, path, value)
    return config


def set_value(config: Any, path: str, value: Any) -> None:
    """Set a value by its dotted path; the section must be there."""
    *sections, name = path.split(".")
    section = config
    for key in sections:
        if key not in section:
            raise SystemExit(f"the config has no section '{key}' of '{path}'")
        section = section[key]
    section[name] = value


def replace_encoder(config: Any, *, checkpoint: str) -> None:
    """Put the encoder of spacy-transformers, as its quickstart sets it up, in place of ours."""
    names = ["transformer" if name == "bert_transformer" else name for name in pipe_names(config)]
    config["nlp"]["pipeline"] = names
    del config["components"]["bert_transformer"]
    for component in config["components"].values():
        tok2vec = component.get("model", {}).get("tok2vec", {})
        if tok2vec.get("@architectures") in LISTENERS:
            component["model"]["tok2vec"] = {**THEIR_LISTENER, "upstream": "transformer"}
    config["components"]["transformer"] = {
        "factory": "transformer",
        "max_batch_items": 4096,
        "model": {
            "@architectures": "spacy-transformers.TransformerModel.v3",
            "name": checkpoint,
            "tokenizer_config": {"use_fast": True},
            "get_spans": {
                "@span_getters": "spacy-transformers.strided_spans.v1",
                **STRIDED_SPANS,
            },
        },
    }


def pipe_names(config: Any) -> list[str]:
    """Names of the components, in order."""
    return list(config["nlp"]["pipeline"])


def their_optimizer(schedule: dict[str, Any]) -> dict[str, Any]:
    """thinc's Adam as the quickstart of spacy-transformers sets it up, with our schedule."""
    return {
        "@optimizers": "Adam.v1",
        "beta1": 0.9,
        "beta2": 0.999,
        "L2_is_weight_decay": True,
        "L2": 0.01,
        "grad_clip": 1.0,
        "use_averages": False,
        "eps": 1e-8,
        "learn_rate": dict(schedule),
    }


class Clock:
    """Counts the words of updates, and the seconds that go to evaluating and saving.

    nlp (Language): Its `update` and `evaluate` are watched. From the beginning of an evaluation
        to the next update, the clock of the training stands still.
    """

    def __init__(self, nlp: Any) -> None:
        self.seconds = 0.0
        self.n_words = 0
        self.n_steps = 0
        self.curve: list[dict[str, float]] = []
        self._paused_at: float | None = None
        self._update, self._evaluate = nlp.update, nlp.evaluate
        nlp.update, nlp.evaluate = self.update, self.evaluate

    def update(self, examples: Any, **settings: Any) -> Any:
        """Update, and count."""
        self.go_on()
        self.n_steps += 1
        self.n_words += sum(len(example.predicted) for example in examples)
        return self._update(examples, **settings)

    def evaluate(self, examples: Any, **settings: Any) -> Any:
        """Evaluate off the clock."""
        self._paused_at = time.perf_counter()
        scores = self._evaluate(examples, **settings)
        keys = ("ents_f", "cats_score", "cats_macro_f", "qa_f1", "qa_em")
        found = {key: scores[key] for key in keys if scores.get(key) is not None}
        self.curve.append({"step": self.n_steps, **found})
        return scores

    def go_on(self) -> None:
        """End a pause, if there is one."""
        if self._paused_at is not None:
            self.seconds += time.perf_counter() - self._paused_at
            self._paused_at = None


def test_pipeline(job: Job, nlp: Any, *, seconds: float, clock: Clock) -> Outcome:
    """Score dev and test."""
    from bare_docs import find_text_labels
    from scores import main_score, score_run

    kind = DATA_SETS[job.data].kind
    dev = read_examples(Path(job.paths["dev"]), nlp)
    test = read_examples(Path(job.paths["test"]), nlp)
    predict_examples(nlp, dev)
    predict_seconds = predict_examples(nlp, test)
    labels = find_text_labels(dev) if kind != "entities" else []
    scores = {
        split: score_run(kind, dev=dev, test=examples, labels=labels)
        for split, examples in (("dev", dev), ("test", test))
    }
    return Outcome(
        scores=scores["test"],
        dev_score=main_score(kind, scores["dev"]),
        best_step=best_step(clock.curve, nlp),
        curve=clock.curve,
        train_words=clock.n_words,
        train_seconds=seconds,
        predict_words=sum(len(example.predicted) for example in test),
        predict_seconds=predict_seconds,
    )


def predict_examples(nlp: Any, examples: list[Any]) -> float:
    """Annotate the predicted Docs. RETURNS (float): Seconds."""
    start = time.perf_counter()
    docs = list(nlp.pipe([example.predicted for example in examples]))
    seconds = time.perf_counter() - start
    for example, doc in zip(examples, docs, strict=True):
        example.predicted = doc
    return seconds


def best_step(curve: list[dict[str, float]], nlp: Any) -> int:
    """Step of the evaluation that has the scores of the saved model; 0 where none has."""
    saved = nlp.meta.get("performance", {})
    for point in reversed(curve):
        keys = [key for key in point if key in saved]
        if keys and all(saved.get(key) == point[key] for key in keys):
            return int(point["step"])
    return 0
