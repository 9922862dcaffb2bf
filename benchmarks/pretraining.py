"""How fast pretraining goes: ours, and a padded loop around transformers' `BertForPreTraining`.

    python benchmarks/pretraining.py --texts corpus/pretrain_small/train.jsonl
    python benchmarks/pretraining.py --texts corpus/pretrain_small/train.jsonl --shape base --gpu 0

Masked words and next sentences in the same windows, masked alike, with dropout, gradient clipping
and AdamW for both. Every turn of a system is a new process that takes other steps before the clock
starts; the systems take turns. Speed is pieces (special ones included, padding not) a second.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from machine import describe_line, describe_machine, find_gpu
from pretraining_systems import PADDED, SHAPES, SYSTEMS, count_flops, make_texts
from report import RESULTS, draw_bars, print_table, write_json
from rounds import take_fresh_turns, wait_for_idle
from spread import compare, show_ratio, spread_of

H100_TFLOPS = 989.0
# Pieces of a step on the CPU, and on a GPU.
STEP_PIECES = {False: 4096, True: 65_536}


def main() -> None:
    """Measure, print, and write the results."""
    arguments = parse_arguments()
    gpu = find_gpu() if arguments.gpu >= 0 else ""
    if arguments.gpu >= 0 and not gpu:
        sys.exit("No CUDA device here, nothing was measured. Run the same command where one is.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        facts = make_texts(arguments.texts, folder, shape=arguments.shape, limit=arguments.passages)
        print(f"{facts['pieces']:,} pieces of text, a vocabulary of {facts['vocabulary']:,}")
        wait_for_idle(arguments.wait)
        machine = describe_machine(threads=arguments.threads, gpu=gpu)
        settings = {
            "folder": str(folder),
            **{name: getattr(arguments, name) for name in ("shape", "gpu", "step_pieces")},
            **{name: getattr(arguments, name) for name in ("warm_up", "steps", "seed")},
        }
        turns, failed = take_fresh_turns(
            {name: (SYSTEMS[name][0], settings) for name in arguments.systems},
            threads=arguments.threads,
            folder=folder,
            n_rounds=arguments.rounds,
        )
    report(arguments, machine, turns, failed, facts=facts)
    sys.exit(1 if failed else 0)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, nargs="+", required=True, help="files or folders")
    parser.add_argument("--passages", type=int, default=60, help="of the texts; 0: all")
    parser.add_argument("--shape", choices=list(SHAPES), default="small")
    parser.add_argument("--gpu", type=int, default=-1, help="-1 is the CPU")
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), choices=list(SYSTEMS))
    parser.add_argument("--steps", type=int, default=6, help="timed steps of a turn")
    parser.add_argument("--warm-up", type=int, default=2, help="steps before them")
    parser.add_argument("--step-pieces", type=int, help="default: 4,096; on a GPU 65,536")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--wait", type=float, default=300, help="seconds to wait for a quiet CPU")
    parser.add_argument("--peak-tflops", type=float, default=H100_TFLOPS, help="of the card, bf16")
    parser.add_argument("--name", help="name of the result files")
    arguments = parser.parse_args()
    if arguments.step_pieces is None:
        arguments.step_pieces = STEP_PIECES[arguments.gpu >= 0]
    if arguments.name is None:
        parts = ("pretraining", arguments.shape, "cuda" if arguments.gpu >= 0 else "")
        arguments.name = "-".join(part for part in parts if part and part != "small")
    return arguments


def report(
    arguments: argparse.Namespace,
    machine: dict[str, Any],
    turns: dict[str, list[Any]],
    failed: dict[str, str],
    *,
    facts: dict[str, Any],
) -> None:
    """Print the table, write JSON and picture."""
    rates = {
        name: [turn["result"]["pieces"] / turn["seconds"] for turn in each]
        for name, each in turns.items()
    }
    spreads = {name: spread_of(values) for name, values in rates.items()}
    to_padded = compare(rates, {name: PADDED[what] for name, (_, _, what) in SYSTEMS.items()})
    cards = measure_card_share(arguments, turns, spreads, n_pieces=facts["vocabulary"])
    rows = []
    for name, spread in spreads.items():
        numbers = (spread.median, spread.minimum, spread.maximum)
        share = f"{100 * cards[name]:.1f} %" if name in cards else ""
        ratio = show_ratio(to_padded.get(name))
        rows.append((name, *(f"{number:,.0f}" for number in numbers), ratio, share))
    rows += [(name, "failed", "", "", "", "") for name in failed]
    header = ("system", "pieces/s", "min", "max", "times the padded loop", "of the card's bf16")
    print_table(header, rows)
    foot = describe_line(machine)
    print(foot)
    path = RESULTS / f"{arguments.name}.json"
    names = ("shape", "gpu", "step_pieces", "steps", "warm_up", "rounds", "seed")
    found: dict[str, Any] = {
        "machine": machine,
        **{name: getattr(arguments, name) for name in names},
        **facts,
        "pieces_per_second": {name: spread.to_json() for name, spread in spreads.items()},
        "times_as_fast_as_padded": {name: ratio.to_json() for name, ratio in to_padded.items()},
        "share_of_card": cards,
        "all_rounds": {name: [round(v, 1) for v in values] for name, values in rates.items()},
        "turns": {name: [turn["result"] for turn in each] for name, each in turns.items()},
        "failed": failed,
    }
    write_json(path, found)
    if spreads:
        draw_bars(
            path.with_suffix(".png"),
            title=name_shape(SHAPES[arguments.shape]["sizes"]),
            unit="pieces per second",
            foot=foot,
            bars=[(name, spread, SYSTEMS[name][1]) for name, spread in spreads.items()],
        )


def name_shape(sizes: dict[str, int]) -> str:
    """Of the picture."""
    width, n_layers, n_heads = (sizes[name] for name in ("width", "n_layers", "n_heads"))
    return f"Pretraining a BERT of {n_layers} layers, {n_heads} heads and width {width}"


def measure_card_share(
    arguments: argparse.Namespace,
    turns: dict[str, list[Any]],
    spreads: dict[str, Any],
    *,
    n_pieces: int,
) -> dict[str, float]:
    """Share of what the card can compute in bf16 that the necessary arithmetic took up."""
    if arguments.gpu < 0:
        return {}
    return {
        name: spread.median
        * count_flops(arguments.shape, turns[name][0]["result"], n_pieces=n_pieces)
        / (1e12 * arguments.peak_tflops)
        for name, spread in spreads.items()
    }


if __name__ == "__main__":
    main()
