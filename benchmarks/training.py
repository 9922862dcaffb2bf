"""How fast `nlp.update` trains spaCy's `ner` over a shared encoder, against spacy-transformers.

    python benchmarks/training.py --checkpoint encoders/minilm-l6 --data-dir ../shared/data

The same sentences of WNUT-17 in the same batches, the same head, the same weights to begin with,
in interleaved rounds. Ours steps with the optimizer of the shipped configs; `thinc's Adam` is ours
with the optimizer that spacy-transformers' own configs use, so that the two can be told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
from pathlib import Path
from typing import Any

from machine import describe_line, describe_machine
from report import RESULTS, draw_bars, print_table, write_json
from rounds import start_workers, take_turns, wait_for_idle
from spread import ratio_of, spread_of
from texts import tagged_sentences

PEER = "spacy-transformers 1.4.0"
SYSTEMS: dict[str, tuple[str, str]] = {
    "ours, fp32": ("training:ours_fp32", "ours"),
    "ours, fp32, thinc's Adam": ("training:ours_adam", "ours"),
    "ours, bf16 autocast": ("training:ours_bf16", "ours"),
    PEER: ("training:spacy_transformers", "theirs"),
}
HEAD = {
    "@architectures": "spacy.TransitionBasedParser.v2",
    "state_type": "ner",
    "extra_state_tokens": False,
    "hidden_width": 64,
    "maxout_pieces": 2,
    "use_upper": False,
}
LEARN_RATE = 5e-5
DROPOUT = 0.1


class TrainingSystem:
    """A pipeline of encoder and `ner` in a worker; a round is one pass over the batches."""

    def __init__(
        self, settings: dict[str, Any], *, encoder: tuple[str, dict[str, Any]], listener: Any
    ) -> None:
        import spacy
        from spacy.tokens import Doc
        from spacy.training import Example, biluo_tags_to_spans, iob_to_biluo

        self.nlp = spacy.blank("en")
        self.nlp.add_pipe(encoder[0], config=encoder[1])
        self.nlp.add_pipe("ner", config={"model": {**HEAD, "tok2vec": listener}})
        self.batches: list[list[Example]] = []
        for batch in json.loads(Path(settings["batches"]).read_text(encoding="utf8")):
            examples = []
            for words, tags in batch:
                reference = Doc(self.nlp.vocab, words=words)
                reference.set_ents(biluo_tags_to_spans(reference, iob_to_biluo(tags)))
                examples.append(Example(Doc(self.nlp.vocab, words=words), reference))
            self.batches.append(examples)
        everything = [example for batch in self.batches for example in batch]
        self.nlp.initialize(lambda: everything)
        self.optimizer = make_optimizer(settings["optimizer"])

    def run(self) -> float:
        """Update on every batch once; the loss of `ner` shows that something is learnt."""
        losses: dict[str, float] = {}
        for batch in self.batches:
            self.nlp.update(batch, sgd=self.optimizer, drop=DROPOUT, losses=losses)
        return float(losses["ner"])


def make_optimizer(name: str) -> Any:
    """The optimizer of our configs, or the one of spacy-transformers' configs."""
    from spacy.util import registry

    settings: dict[str, Any] = {"@optimizers": name, "learn_rate": LEARN_RATE}
    return registry.resolve({"optimizer": settings})["optimizer"]


def ours(settings: dict[str, Any], *, precision: str) -> TrainingSystem:
    """`ner` listening to `bert_transformer`."""
    config = {"model": {"name": settings["checkpoint"]}, "precision": precision}
    listener = {"@architectures": "spacy-bert-plugin.BertListener.v1"}
    return TrainingSystem(settings, encoder=("bert_transformer", config), listener=listener)


def ours_fp32(settings: dict[str, Any]) -> TrainingSystem:
    """In single precision."""
    return ours({**settings, "optimizer": "spacy-bert-plugin.AdamW.v1"}, precision="fp32")


def ours_bf16(settings: dict[str, Any]) -> TrainingSystem:
    """With bf16 autocast."""
    return ours({**settings, "optimizer": "spacy-bert-plugin.AdamW.v1"}, precision="bf16")


def ours_adam(settings: dict[str, Any]) -> TrainingSystem:
    """In single precision with the optimizer of the peer."""
    return ours({**settings, "optimizer": "Adam.v1"}, precision="fp32")


def spacy_transformers(settings: dict[str, Any]) -> TrainingSystem:
    """`ner` listening to `transformer`, as spacy-transformers' own quickstart configures it."""
    model = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": settings["checkpoint"],
        "tokenizer_config": {"use_fast": True},
        "get_spans": {
            "@span_getters": "spacy-transformers.strided_spans.v1",
            "window": 128,
            "stride": 96,
        },
    }
    listener = {
        "@architectures": "spacy-transformers.TransformerListener.v1",
        "grad_factor": 1.0,
        "pooling": {"@layers": "reduce_mean.v1"},
    }
    return TrainingSystem(
        {**settings, "optimizer": "Adam.v1"},
        encoder=("transformer", {"model": model}),
        listener=listener,
    )


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder of the weights")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--batches", type=int, default=8, help="batches of a round")
    parser.add_argument("--batch-words", type=int, default=800)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--wait", type=float, default=300, help="seconds to wait for a quiet CPU")
    parser.add_argument("--name", default="training", help="name of the result files")
    arguments = parser.parse_args()
    batches = read_batches(arguments)
    n_words = sum(len(words) for batch in batches for words, _ in batch)
    print(f"{len(batches)} batches, {sum(map(len, batches))} sentences, {n_words:,} words a round")
    wait_for_idle(arguments.wait)
    machine = describe_machine(threads=arguments.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "batches.json").write_text(json.dumps(batches), encoding="utf8")
        settings = {
            "batches": str(folder / "batches.json"),
            "checkpoint": str(arguments.checkpoint.resolve()),
        }
        targets = {name: (target, settings) for name, (target, _) in SYSTEMS.items()}
        workers = start_workers(targets, threads=arguments.threads, folder=folder)
        seconds = take_turns(workers, n_rounds=arguments.rounds)
        losses = {name: worker.ask({"do": "run"})["result"] for name, worker in workers.items()}
        for worker in workers.values():
            worker.close()
    rates = {name: [n_words / value for value in values] for name, values in seconds.items()}
    report(arguments, machine, rates, losses, n_words=n_words)


def read_batches(arguments: argparse.Namespace) -> list[list[tuple[list[str], list[str]]]]:
    """Seeded batches of whole sentences, about so many words each."""
    sentences = tagged_sentences(arguments.data_dir / "wnut17" / "wnut17train.conll")
    random.Random(arguments.seed).shuffle(sentences)
    batches: list[list[tuple[list[str], list[str]]]] = [[]]
    n_words = 0
    for sentence in sentences:
        if n_words >= arguments.batch_words:
            if len(batches) == arguments.batches:
                break
            batches.append([])
            n_words = 0
        batches[-1].append(sentence)
        n_words += len(sentence[0])
    return batches


def report(
    arguments: argparse.Namespace,
    machine: dict[str, Any],
    rates: dict[str, list[float]],
    losses: dict[str, float],
    *,
    n_words: int,
) -> None:
    """Print the table, write JSON and picture."""
    spreads = {name: spread_of(values) for name, values in rates.items()}
    ratios = {name: ratio_of(values, rates[PEER]) for name, values in rates.items()}
    rows = []
    for name, spread in spreads.items():
        ratio = ratios[name]
        times = f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
        numbers = (spread.median, spread.minimum, spread.maximum)
        rows.append((name, *(f"{n:,.0f}" for n in numbers), times, f"{losses[name]:,.0f}"))
    print_table(("system", "words/s", "min", "max", f"times {PEER}", "ner loss at the end"), rows)
    foot = describe_line(machine)
    print(foot)
    path = RESULTS / f"{arguments.name}.json"
    write_json(
        path,
        {
            "machine": machine,
            "checkpoint": arguments.checkpoint.name,
            "words_a_round": n_words,
            "batches": arguments.batches,
            "batch_words": arguments.batch_words,
            "rounds": arguments.rounds,
            "words_per_second": {name: spread.to_json() for name, spread in spreads.items()},
            "times_as_fast_as_peer": {name: ratio.to_json() for name, ratio in ratios.items()},
            "ner_loss_at_the_end": losses,
        },
    )
    draw_bars(
        path.with_suffix(".png"),
        title="Training spaCy's ner over MiniLM-L6 on WNUT-17",
        unit="words per second",
        foot=foot,
        bars=[(name, spread, SYSTEMS[name][1]) for name, spread in spreads.items()],
    )


if __name__ == "__main__":
    main()
