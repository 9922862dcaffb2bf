"""A pipeline of spacy-transformers, imported: the same answers on a whole test split, and faster?

    python benchmarks/migrate.py --checkpoint encoders/minilm-l6 --data-dir ../shared/data

Trains spaCy's textcat and ner over spacy-transformers on SNIPS, as its quickstart sets them up,
imports the pipeline, and compares both on the test split: answers, scores, words a second. Rounds
of all systems are interleaved in this process. Needs spacy-transformers.
"""

from __future__ import annotations

import argparse
import random
import shutil
import time
from pathlib import Path
from typing import Any

import spacy
import torch
from corpora import SPLITS, prepare_corpora, read_examples
from machine import describe_line, describe_machine
from options import make_parser
from pipelines import SPACY_NER, STRIDED_SPANS, THEIR_LISTENER
from report import RESULTS, draw_bars, print_table, write_json
from spacy.language import Language
from spacy.training import Example
from spread import Spread, ratio_of, show_ratio, spread_of
from thinc.api import Adam, warmup_linear

from spacy_bert_plugin.interop.spacy_transformers import import_pipeline
from spacy_bert_plugin.interop.spacy_transformers.report import compare_pipelines

THEIRS, FP32 = "spacy-transformers", "imported, fp32"


def build_theirs(checkpoint: str) -> Language:
    """The quickstart's pipeline: one transformer under textcat and ner."""
    nlp = spacy.blank("en")
    model = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": checkpoint,
        "tokenizer_config": {"use_fast": True},
        "get_spans": {"@span_getters": "spacy-transformers.strided_spans.v1", **STRIDED_SPANS},
    }
    textcat = {
        "@architectures": "spacy.TextCatReduce.v1",
        "exclusive_classes": True,
        "use_reduce_first": False,
        "use_reduce_last": False,
        "use_reduce_max": False,
        "use_reduce_mean": True,
        "tok2vec": THEIR_LISTENER,
    }
    nlp.add_pipe("transformer", config={"model": model})
    nlp.add_pipe("textcat", config={"model": textcat})
    nlp.add_pipe("ner", config={"model": {**SPACY_NER, "tok2vec": THEIR_LISTENER}})
    return nlp


def train(nlp: Language, path: Path, *, n_steps: int, batch_size: int, rate: float) -> None:
    """Train on batches drawn anew in every epoch, with the quickstart's optimizer."""
    examples = read_examples(path, nlp)
    spacy.util.fix_random_seed(0)
    nlp.initialize(lambda: examples)
    schedule = warmup_linear(rate, max(n_steps // 10, 1), n_steps)
    sgd = Adam(schedule, L2=0.01, L2_is_weight_decay=True, grad_clip=1.0)
    order = random.Random(0)
    batch: list[Example] = []
    for step in range(n_steps):
        while len(batch) < batch_size:
            batch += order.sample(examples, len(examples))
        losses = nlp.update(batch[:batch_size], sgd=sgd, drop=0.1)
        del batch[:batch_size]
        sgd.step_schedules()
        if step % 50 == 0:
            print(step, {name: round(loss, 3) for name, loss in losses.items()}, flush=True)


def measure(
    systems: dict[str, Language], texts: list[str], *, n_rounds: int, batch_size: int
) -> dict[str, list[float]]:
    """Seconds of each system for all texts, by round; the first round warms up and is left out."""
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    for number in range(n_rounds + 1):
        for name in systems if number % 2 else reversed(systems):
            start = time.perf_counter()
            for _ in systems[name].pipe(texts, batch_size=batch_size):
                pass
            if number:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def score(nlp: Language, path: Path, *, limit: int) -> dict[str, float]:
    """What spaCy's scorer says on the test split."""
    scores = nlp.evaluate(read_examples(path, nlp, limit=limit))
    return {name: float(scores[name]) for name in ("ents_f", "cats_macro_f")}


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__)
    parser.add_argument("--folder", type=Path, default=Path("training/migrate"), help="work folder")
    parser.add_argument("--steps", type=int, default=800, help="steps of the training")
    parser.add_argument("--batch-size", type=int, default=32, help="texts of a training batch")
    parser.add_argument("--rate", type=float, default=1e-4, help="highest learning rate")
    parser.add_argument("--texts", type=int, default=0, help="texts of the test split; 0: all")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--precisions", nargs="*", default=["bf16"], help="besides fp32")
    parser.add_argument("--name", default="migrate", help="name of the results")
    return parser.parse_args()


def main() -> None:
    """Train unless that was done before, import, compare, measure, write."""
    arguments = read_arguments()
    folder = arguments.folder
    paths = prepare_corpora("snips", data_dir=arguments.data_dir, folder=folder / "corpus")
    trained = folder / f"theirs-{arguments.steps}"
    if not trained.exists():
        nlp = build_theirs(str(arguments.checkpoint.resolve()))
        train(
            nlp,
            paths[SPLITS[0]],
            n_steps=arguments.steps,
            batch_size=arguments.batch_size,
            rate=arguments.rate,
        )
        nlp.to_disk(trained)
    imported = folder / "imported"
    shutil.rmtree(imported, ignore_errors=True)
    print(import_pipeline(trained, imported))
    systems = {THEIRS: spacy.load(trained), FP32: spacy.load(imported)}
    for precision in arguments.precisions:
        setting = {"components.transformer.precision": precision}
        systems[f"imported, {precision}"] = spacy.load(imported, config=setting)
    examples = read_examples(paths["test"], systems[THEIRS], limit=arguments.texts)
    texts = [example.reference.text for example in examples]
    others = {name: nlp for name, nlp in systems.items() if name != THEIRS}
    answers = {
        name: dict(compare_pipelines(systems[THEIRS], nlp, texts)) for name, nlp in others.items()
    }
    scores = {
        name: score(nlp, paths["test"], limit=arguments.texts) for name, nlp in systems.items()
    }
    seconds = measure(systems, texts, n_rounds=arguments.rounds, batch_size=128)
    n_words = sum(len(systems[THEIRS].make_doc(text)) for text in texts)
    rates = {name: spread_of([n_words / s for s in values]) for name, values in seconds.items()}
    ratios = {name: ratio_of(seconds[THEIRS], seconds[name]) for name in others}
    show(arguments, n_words, answers, scores, rates, ratios)


def show(
    arguments: argparse.Namespace,
    n_words: int,
    answers: dict[str, dict[str, str]],
    scores: dict[str, dict[str, float]],
    rates: dict[str, Spread],
    ratios: dict[str, Any],
) -> None:
    """Print the tables, write JSON and picture."""
    rows = [
        (
            name,
            f"{rates[name].median:,.0f}",
            show_ratio(ratios[name]) if name in ratios else "",
            *(f"{100 * value:.2f}" for value in scores[name].values()),
        )
        for name in rates
    ]
    print_table(("system", "words/s", "times theirs", "entities F", "categories F"), rows)
    for name, found in answers.items():
        print_table((f"{name} against theirs", ""), list(found.items()))
    machine = describe_machine(threads=torch.get_num_threads())
    foot = describe_line(machine)
    print(foot)
    path = RESULTS / f"{arguments.name}.json"
    results = {
        "machine": machine,
        "data": "snips, test split",
        "words": n_words,
        "training": {"steps": arguments.steps, "batch_size": arguments.batch_size,
                     "learn_rate": arguments.rate},
        "rounds": arguments.rounds,
        "words_per_second": {name: spread.to_json() for name, spread in rates.items()},
        "times_as_fast": {name: ratio.to_json() for name, ratio in ratios.items()},
        "scores": scores,
        "answers": answers,
    }  # fmt: skip
    write_json(path, results)
    draw_bars(
        path.with_suffix(".png"),
        title="textcat and ner on SNIPS, trained with spacy-transformers",
        unit="words per second",
        foot=foot,
        bars=[(name, s, "theirs" if name == THEIRS else "ours") for name, s in rates.items()],
    )


if __name__ == "__main__":
    main()
