"""What a head costs in `nlp.pipe`: our `bert_ner`, spaCy's `ner`, and the encoder without any.

    python benchmarks/heads.py --checkpoint encoders/minilm-l6 --data-dir ../shared/data

One pipeline with both heads over one shared encoder is trained for a few steps, so that they find
entities; then the same texts go through it with one head, the other, or none, in interleaved
rounds of one process.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

from inference import count_pieces
from machine import describe_line, describe_machine
from options import make_parser
from report import RESULTS, draw_bars, print_table, write_json
from rounds import wait_for_idle
from spread import ratio_of, show_ratio, spread_of
from texts import describe_texts, mixed_texts

NONE, OURS, SPACYS = "encoder alone", "with bert_ner", "with spaCy's ner"
HEADS = {NONE: (), OURS: ("bert_ner",), SPACYS: ("ner",)}
KINDS = {NONE: "bound", OURS: "ours", SPACYS: "theirs"}
BATCH_SIZE = 256


def main() -> None:
    """Train a little, measure, print, and write the results."""
    arguments = parse_arguments()
    import torch

    torch.set_num_threads(arguments.threads)
    texts = mixed_texts(arguments.data_dir, n_texts=arguments.texts, seed=arguments.seed)
    machine = describe_machine(threads=arguments.threads)
    rates: dict[str, list[float]] = {}
    n_entities: dict[str, int] = {}
    for precision in arguments.precisions:
        nlp = train_pipeline(arguments, precision)
        wait_for_idle(arguments.wait)
        measure(nlp, texts, arguments.rounds, precision, rates, n_entities)
    about = describe_texts(texts, n_pieces=count_pieces(texts, arguments.checkpoint))
    report(arguments, machine, about, rates, n_entities)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__)
    parser.add_argument("--texts", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=60, help="training steps of the heads")
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--wait", type=float, default=300, help="seconds to wait for a quiet CPU")
    return parser.parse_args()


def train_pipeline(arguments: argparse.Namespace, precision: str) -> Any:
    """Both heads over one encoder, trained for a few steps of WNUT-17."""
    import spacy
    from corpora import prepare_corpora
    from pipelines import OUR_LISTENER, SPACY_NER
    from spacy.training import Corpus
    from spacy.util import fix_random_seed, minibatch, registry

    fix_random_seed(arguments.seed)
    folder = RESULTS / "tmp" / "corpora"
    paths = prepare_corpora("wnut17", data_dir=arguments.data_dir, folder=folder)
    nlp = spacy.blank("en")
    encoder = {"model": {"name": str(arguments.checkpoint)}, "precision": precision}
    nlp.add_pipe("bert_transformer", config=encoder)
    nlp.add_pipe("bert_ner")
    nlp.add_pipe("ner", config={"model": {**SPACY_NER, "tok2vec": OUR_LISTENER}})
    examples = list(Corpus(paths["train"], limit=32 * arguments.steps)(nlp))
    nlp.initialize(lambda: examples)
    chosen = {"@optimizers": "spacy-bert-plugin.AdamW.v1", "learn_rate": 2e-4}
    optimizer = registry.resolve({"optimizer": chosen})["optimizer"]
    for batch in minibatch(examples, size=32):
        nlp.update(list(batch), sgd=optimizer, drop=0.1)
    return nlp


def measure(
    nlp: Any,
    texts: list[str],
    n_rounds: int,
    precision: str,
    rates: dict[str, list[float]],
    n_entities: dict[str, int],
) -> None:
    """Time every choice of heads in turn; the first round warms up."""
    for number in range(n_rounds + 1):
        for name, heads in HEADS.items():
            with nlp.select_pipes(enable=["bert_transformer", *heads]):
                start = time.perf_counter()
                docs = list(nlp.pipe(texts, batch_size=BATCH_SIZE))
                seconds = time.perf_counter() - start
            key = f"{name}, {precision}"
            n_entities[key] = sum(len(doc.ents) for doc in docs)
            if number:
                rates.setdefault(key, []).append(sum(map(len, docs)) / seconds)


def report(
    arguments: argparse.Namespace,
    machine: dict[str, Any],
    about: dict[str, Any],
    rates: dict[str, list[float]],
    n_entities: dict[str, int],
) -> None:
    """Print the table, write JSON and picture."""
    spreads = {name: spread_of(values) for name, values in rates.items()}
    # Time of the encoder with the head, over that without: 1.10 is 10 % more.
    costs = {
        name: ratio_of(rates[f"{NONE}, {name.rsplit(', ', 1)[1]}"], values)
        for name, values in rates.items()
    }
    rows = [
        (name, f"{spread.median:,.0f}", show_ratio(costs[name]), n_entities[name])
        for name, spread in spreads.items()
    ]
    print_table(("", "tokens/s", "time, encoder alone = 1", "entities"), rows)
    foot = describe_line(machine)
    print(foot)
    path = RESULTS / "heads.json"
    systems = {
        name: {
            "tokens_per_second": spread.to_json(),
            "time_over_encoder_alone": costs[name].to_json(),
            "entities": n_entities[name],
            "rounds": [round(value, 1) for value in rates[name]],
        }
        for name, spread in spreads.items()
    }
    write_json(path, {"machine": machine, "texts": about, "systems": systems})
    bars = [(name, spread, KINDS[name.rsplit(", ", 1)[0]]) for name, spread in spreads.items()]
    draw_bars(
        path.with_suffix(".png"),
        title="nlp.pipe over mixed texts, MiniLM-L6, with and without a head for entities",
        unit="tokens/s",
        foot=foot,
        bars=bars,
    )


if __name__ == "__main__":
    main()
