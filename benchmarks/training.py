"""How fast a tagger of entities trains: ours, spacy-transformers, and a bare PyTorch loop.

    python benchmarks/training.py --checkpoint encoders/minilm-l6 --data-dir ../shared/data
    python benchmarks/training.py --shape base --device cuda --data-dir ../shared/data

The same sentences of WNUT-17 in the same batches, sorted by length within a shuffled buffer, for
all. Every turn of a system is a new process that updates on other batches before the clock starts;
the systems take turns. Speed is words (as the data set has them) over the seconds of the updates.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from machine import describe_line, describe_machine, find_gpu
from report import RESULTS, draw_bars, print_table, write_json
from rounds import take_fresh_turns, wait_for_idle
from shapes import SHAPES, find_checkpoint, name_results
from spread import compare, show_ratio, spread_of
from texts import tagged_sentences
from training_batches import SentenceT, cut_batches, join_sentences
from training_systems import BARE, PEER, SYSTEMS

# Words of a batch, and of a Doc that sentences are joined to (0: they stay as they are).
SIZES = {"cpu": (800, 0), "cuda": (16_000, 250)}
BUFFER = 500
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Measure, print, and write the results."""
    arguments = parse_arguments()
    gpu = find_gpu() if arguments.device == "cuda" else ""
    if arguments.device == "cuda" and not gpu:
        sys.exit("No CUDA device here, nothing was measured. Run the same command where one is.")
    batches = read_batches(arguments)
    n_words = sum(len(words) for batch in batches["timed"] for words, _ in batch)
    print(f"{len(batches['timed'])} batches of {n_words:,} words in all are timed")
    wait_for_idle(arguments.wait)
    machine = describe_machine(threads=arguments.threads, gpu=gpu)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "batches.json").write_text(json.dumps(batches), encoding="utf8")
        settings = {
            "batches": str(folder / "batches.json"),
            "checkpoint": str(find_checkpoint(arguments, folder)),
            "device": arguments.device,
        }
        turns, failed = take_fresh_turns(
            {name: (SYSTEMS[name][0], settings) for name in arguments.systems},
            threads=arguments.threads,
            folder=folder,
            n_rounds=arguments.rounds,
        )
    report(arguments, machine, turns, failed, n_words=n_words)
    sys.exit(1 if failed else 0)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, default=ROOT / "encoders" / "minilm-l6")
    parser.add_argument(
        "--shape", choices=list(SHAPES), help="random weights of this shape instead"
    )
    parser.add_argument("--device", choices=list(SIZES), default="cpu")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), choices=list(SYSTEMS))
    parser.add_argument("--batches", type=int, default=10, help="timed batches of a turn")
    parser.add_argument("--warm-up", type=int, default=4, help="batches before them")
    parser.add_argument("--batch-words", type=int, help="default: 800; on a GPU 16,000")
    parser.add_argument("--doc-words", type=int, help="join sentences; on a GPU to 250 words")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--wait", type=float, default=300, help="seconds to wait for a quiet CPU")
    parser.add_argument("--name", help="name of the result files")
    arguments = parser.parse_args()
    for name, default in zip(("batch_words", "doc_words"), SIZES[arguments.device], strict=True):
        if getattr(arguments, name) is None:
            setattr(arguments, name, default)
    if arguments.name is None:
        arguments.name = name_results("training", arguments)
    return arguments


def read_batches(arguments: argparse.Namespace) -> dict[str, list[list[SentenceT]]]:
    """Seeded batches to warm up with, and to time."""
    sentences = tagged_sentences(arguments.data_dir / "wnut17" / "wnut17train.conll")
    rng = random.Random(arguments.seed)
    rng.shuffle(sentences)
    docs = list(join_sentences(sentences, doc_words=arguments.doc_words))
    batches = cut_batches(docs, batch_words=arguments.batch_words, buffer=BUFFER, rng=rng)
    n_wanted = arguments.warm_up + arguments.batches
    if not batches:
        sys.exit(f"The data make no batch of {arguments.batch_words} words: ask for smaller ones.")
    # Large batches: the same sentences again, in other batches, as in a second epoch.
    while len(batches) < n_wanted:
        batches += cut_batches(docs, batch_words=arguments.batch_words, buffer=BUFFER, rng=rng)
    return {"warm_up": batches[: arguments.warm_up], "timed": batches[arguments.warm_up : n_wanted]}


def report(
    arguments: argparse.Namespace,
    machine: dict[str, Any],
    turns: dict[str, list[Any]],
    failed: dict[str, str],
    *,
    n_words: int,
) -> None:
    """Print the table, write JSON and picture."""
    rates = {name: [n_words / turn["seconds"] for turn in each] for name, each in turns.items()}
    spreads = {name: spread_of(values) for name, values in rates.items()}
    to_peer = compare(rates, dict.fromkeys(SYSTEMS, PEER))
    to_bare = compare(rates, {name: BARE[precision] for name, (_, _, precision) in SYSTEMS.items()})
    rows = []
    for name, spread in spreads.items():
        numbers = (spread.median, spread.minimum, spread.maximum)
        ratios = (show_ratio(to_peer.get(name)), show_ratio(to_bare.get(name)))
        rows.append((name, *(f"{number:,.0f}" for number in numbers), *ratios))
    rows += [(name, "failed", "", "", "", "") for name in failed]
    peer, bare = "times spacy-transformers", "times the bare loop of its precision"
    print_table(("system", "words/s", "min", "max", peer, bare), rows)
    foot = describe_line(machine)
    print(foot)
    path = RESULTS / f"{arguments.name}.json"
    what = arguments.shape or arguments.checkpoint.name
    names = ("device", "batches", "warm_up", "batch_words", "doc_words", "rounds", "seed")
    write_json(
        path,
        {
            "machine": machine,
            "encoder": what,
            **{name: getattr(arguments, name) for name in names},
            "words_a_turn": n_words,
            "words_per_second": {name: spread.to_json() for name, spread in spreads.items()},
            "times_as_fast_as_peer": {name: ratio.to_json() for name, ratio in to_peer.items()},
            "times_as_fast_as_bare": {name: ratio.to_json() for name, ratio in to_bare.items()},
            "all_rounds": {name: [round(v, 1) for v in values] for name, values in rates.items()},
            "losses": {name: [turn["result"] for turn in each] for name, each in turns.items()},
            "failed": failed,
        },
    )
    if spreads:
        draw_bars(
            path.with_suffix(".png"),
            title=f"Training a tagger of entities over {what} on WNUT-17",
            unit="words per second",
            foot=foot,
            bars=[(name, spread, SYSTEMS[name][1]) for name, spread in spreads.items()],
        )


if __name__ == "__main__":
    main()
