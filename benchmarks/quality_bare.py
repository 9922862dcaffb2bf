"""The job `bare` of `quality.py`: trains the plain loop, keeps the best of dev, tests it."""

from __future__ import annotations

import copy
import math
import random
import time
from pathlib import Path
from typing import Any

from corpora import read_examples
from job import Job, Outcome
from recipes import DATA_SETS

# Texts that are sorted by length together.
BUFFER = 1000


def train_bare(job: Job) -> Outcome:
    """Train, choose, test."""
    import numpy as np
    import spacy
    import torch
    from bare import BareModel, linear_schedule, make_optimizer
    from bare_docs import TextMaker, find_entity_labels, find_text_labels
    from spacy.tokens import Span
    from transformers import AutoTokenizer

    random.seed(job.seed)
    np.random.seed(job.seed)
    torch.manual_seed(job.seed)
    Span.set_extension("confidence", default=None, force=True)
    kind, recipe = DATA_SETS[job.data].kind, job.recipe
    nlp = spacy.blank("en")
    examples = {split: read_examples(Path(path), nlp) for split, path in job.paths.items()}
    tokenizer = AutoTokenizer.from_pretrained(job.checkpoint)
    maker = TextMaker(
        tokenizer,
        entity_labels=find_entity_labels(examples["train"])
        if kind in ("entities", "joint")
        else (),
        labels=find_text_labels(examples["train"]) if kind != "entities" else (),
        is_multilabel=kind == "multilabel",
    )
    model = BareModel(
        job.checkpoint,
        n_tags=len(maker.tags),
        n_labels=len(maker.labels),
        is_multilabel=maker.is_multilabel,
        dropout=recipe.dropout,
        is_pairs=kind == "pairs",
    )
    optimizer = make_optimizer(model, learn_rate=recipe.learn_rate, head_factor=recipe.head_factor)
    schedule = linear_schedule(
        optimizer, n_steps=job.n_steps, warmup=math.ceil(recipe.warmup * job.n_steps)
    )
    run = BareRun(job, kind=kind, model=model, maker=maker, examples=examples)
    run.train(optimizer, schedule)
    return run.test()


class BareRun:
    """A model and its data on the way through training and test."""

    def __init__(
        self, job: Job, *, kind: str, model: Any, maker: Any, examples: dict[str, list[Any]]
    ) -> None:
        self.job, self.kind, self.model, self.maker = job, kind, model, maker
        self.examples = examples
        make = maker.make_pairs if kind == "pairs" else maker.make
        self.texts = {split: make(rows) for split, rows in examples.items()}
        self.is_bf16 = job.recipe.precision == "bf16"
        self.best: tuple[float, int, dict[str, Any]] = (-1.0, 0, {})
        self.curve: list[dict[str, float]] = []
        self.n_words = 0
        self.seconds = 0.0

    def train(self, optimizer: Any, schedule: Any) -> None:
        """All steps, with an evaluation now and then that is not part of the time."""
        from bare import update

        start, losses = time.perf_counter(), []
        for step, batch in enumerate(self.batches(), start=1):
            self.model.train()
            losses.append(update(self.model, batch, optimizer, is_bf16=self.is_bf16))
            schedule.step()
            if step % self.job.eval_every == 0:
                self.seconds += time.perf_counter() - start
                self.evaluate(step, sum(float(loss) for loss in losses) / len(losses))
                start, losses = time.perf_counter(), []
            if step == self.job.n_steps:
                return

    def batches(self) -> Any:
        """Batches of one epoch after the other."""
        from bare import epoch_batches

        texts = self.texts["train"]
        lengths = [self.count_pieces(text) for text in texts]
        words = [text.n_words for text in texts]
        rng = random.Random(self.job.seed)
        while True:
            for rows in epoch_batches(
                lengths, words, batch_words=self.job.recipe.batch_words, buffer=BUFFER, rng=rng
            ):
                self.n_words += sum(words[row] for row in rows)
                yield self.collate([texts[row] for row in rows])

    def count_pieces(self, text: Any) -> int:
        """By which texts are sorted."""
        return len(text.ids)

    def collate(self, texts: list[Any]) -> Any:
        """One padded batch."""
        from bare import collate

        return collate(texts, pad_id=self.maker.tokenizer.pad_token_id)

    def evaluate(self, step: int, loss: float) -> None:
        """Score dev; remember the model where it is the best so far."""
        from scores import main_score

        scores = self.score("dev")
        main = main_score(self.kind, scores)
        self.curve.append({"step": step, "loss": loss, "score": main})
        print(f"step {step} of {self.job.n_steps}: loss {loss:.4f}, dev {main:.4f}", flush=True)
        if main > self.best[0]:
            self.best = (main, step, copy.deepcopy(self.model.state_dict()))

    def score(self, split: str) -> dict[str, float]:
        """Predict a split and score it, with thresholds tuned on dev where there are any."""
        from scores import score_run

        self.predict(split)
        return score_run(
            self.kind,
            dev=self.examples["dev"],
            test=self.examples[split],
            labels=self.maker.labels,
        )

    def predict(self, split: str) -> float:
        """Annotate the Docs of a split. RETURNS (float): Seconds."""
        from bare_docs import predict

        start = time.perf_counter()
        predict(self.model, self.examples[split], self.texts[split], self.maker, bf16=self.is_bf16)
        return time.perf_counter() - start

    def test(self) -> Outcome:
        """Back to the best model, and the one look at the test set."""
        from scores import score_run

        main, step, state = self.best
        self.model.load_state_dict(state)
        self.predict("dev")
        seconds = self.predict("test")
        test = self.examples["test"]
        return Outcome(
            scores=score_run(
                self.kind, dev=self.examples["dev"], test=test, labels=self.maker.labels
            ),
            dev_score=main,
            best_step=step,
            curve=self.curve,
            train_words=self.n_words,
            train_seconds=self.seconds,
            predict_words=sum(len(example.predicted) for example in test),
            predict_seconds=seconds,
        )
