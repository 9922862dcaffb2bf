"""How long it takes until a pipeline is there: imports and `spacy.load`, in fresh processes.

    python benchmarks/startup.py --checkpoint encoders/minilm-l6 --data-dir ../shared/data

The systems take turns, each turn a new process, after one turn each that is not counted (it reads
the files into the page cache and writes the bytecode). `load` is the call of `spacy.load` in a
process that has imported spaCy, and with it PyTorch; `total` begins before those imports.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from builds import N_STEPS, build_all
from machine import describe_line, describe_machine
from options import make_parser
from pipelines import DISTRIBUTIONS
from report import RESULTS, draw_bars, print_table, write_json
from rounds import wait_for_idle
from spread import Spread, ratio_of, spread_of

FOLDER = Path(__file__).resolve().parent
OURS, THEIRS = "spacy.load, ours", "spacy.load, spacy-transformers"
PACKAGE, BARE = "import spacy_bert_plugin", "import torch, spacy"
TARGET = 0.4
Turns = dict[str, list[dict[str, Any]]]


def main() -> None:
    """Measure, print, and write the results."""
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = build_all(
            ("ours", "spacy-transformers"),
            folder,
            checkpoint=arguments.checkpoint,
            data_dir=arguments.data_dir,
            n_steps=N_STEPS,
        )
        wait_for_idle(arguments.wait)
        machine = describe_machine(threads=arguments.threads)
        turns = take_turns(list_systems(paths), arguments.rounds, threads=arguments.threads)
    report(arguments, machine, turns)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--wait", type=float, default=300, help="seconds to wait for a quiet CPU")
    parser.add_argument("--name", default="startup", help="name of the result files")
    return parser.parse_args()


def list_systems(paths: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """What each turn does, by the name of what it measures."""
    return {
        BARE: {"system": "", "modules": ["torch", "spacy"], "path": ""},
        PACKAGE: {"system": "ours", "modules": ["spacy_bert_plugin"], "path": ""},
        OURS: {"system": "ours", "modules": ["spacy"], "path": str(paths["ours"])},
        THEIRS: {
            "system": "spacy-transformers",
            "modules": ["spacy"],
            "path": str(paths["spacy-transformers"]),
        },
    }


def take_turns(systems: dict[str, dict[str, Any]], n_rounds: int, *, threads: int) -> Turns:
    """A fresh process for every system in every round, after one round that is not counted."""
    turns: Turns = {name: [] for name in systems}
    for number in range(n_rounds + 1):
        for name, settings in systems.items():
            turn = run_turn(settings, threads=threads)
            if number:
                turns[name].append(turn)
        line = ", ".join(
            f"{name} {found[-1]['total']:.2f}" for name, found in turns.items() if found
        )
        print(f"round {number} of {n_rounds}: {line or 'warm-up'}", flush=True)
    return turns


def run_turn(settings: dict[str, Any], *, threads: int) -> dict[str, Any]:
    """One fresh process. Raises SystemExit with what it said if it fails."""
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
    }
    # Installed packages have their bytecode; a checkout needs leave to write its own.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, str(FOLDER / "startup_turn.py"), json.dumps(settings)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{settings} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def compare(turns: Turns) -> dict[str, Spread]:
    """Share of spacy-transformers' time that ours takes, for `spacy.load` and for everything."""
    return {
        key: ratio_of([t[key] for t in turns[OURS]], [t[key] for t in turns[THEIRS]])
        for key in ("load", "total")
    }


def report(arguments: argparse.Namespace, machine: dict[str, Any], turns: Turns) -> None:
    """Print the table, write JSON and picture."""
    print_table(
        ("fresh process, seconds", "import", "spacy.load", "total", "first text", "peak, MiB"),
        [row_of(name, found) for name, found in turns.items()],
    )
    ratios = compare(turns)
    for key, ratio in ratios.items():
        share = f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
        print(f"{key}: {share} of spacy-transformers' time")
    print(f"loaded without need: {', '.join(turns[OURS][-1]['heavy']) or 'nothing'}")
    foot = describe_line(machine)
    print(foot)
    path = RESULTS / f"{arguments.name}.json"
    totals = {name: spread_of([t["total"] for t in found]) for name, found in turns.items()}
    loads = {name: spread_of([t["load"] for t in turns[name]]) for name in (OURS, THEIRS)}
    content = {
        "machine": machine,
        "checkpoint": arguments.checkpoint.name,
        "hidden_from_each_other": DISTRIBUTIONS,
        "target_share_of_load": TARGET,
        "share_of_spacy_transformers": {key: ratio.to_json() for key, ratio in ratios.items()},
        "load_seconds": {name: spread.to_json() for name, spread in loads.items()},
        "total_seconds": {name: spread.to_json() for name, spread in totals.items()},
        "all_rounds": turns,
    }
    write_json(path, content)
    kinds = {OURS: "ours", PACKAGE: "ours", BARE: "bound", THEIRS: "theirs"}
    bars = [(name, in_milliseconds(spread), kinds[name]) for name, spread in totals.items()]
    bars += [
        (f"{name}: the call alone", in_milliseconds(spread), kinds[name])
        for name, spread in loads.items()
    ]
    draw_bars(
        path.with_suffix(".png"),
        title="MiniLM-L6 with categories and entities, until it is loaded",
        unit="milliseconds in a fresh process",
        foot=foot,
        bars=bars,
    )


def row_of(name: str, turns: list[dict[str, Any]]) -> tuple[str, ...]:
    """One system in the table: medians, with the 95 % interval of the total."""
    median = {
        key: spread_of([turn[key] for turn in turns])
        for key in ("import", "load", "total", "first_text", "peak_kib")
    }
    total = median["total"]
    return (
        name,
        f"{median['import'].median:.2f}",
        f"{median['load'].median:.2f}" if median["load"].median else "",
        f"{total.median:.2f} ({total.low:.2f} to {total.high:.2f})",
        f"{median['first_text'].median:.3f}" if median["first_text"].median else "",
        f"{median['peak_kib'].median / 1024:,.0f}",
    )


def in_milliseconds(spread: Spread) -> Spread:
    """Seconds as milliseconds, since bars are written without decimals."""
    return Spread(*(1000.0 * value for value in vars(spread).values()))


if __name__ == "__main__":
    main()
