"""How fast a shared encoder turns texts into Docs, against other ways to run the same weights.

    python benchmarks/inference.py --checkpoint encoders/minilm-l6 --data-dir ../shared/data

Every system runs in a process of its own, on the same texts, in interleaved rounds. Speed is the
number of pieces of the texts (special pieces and overlaps not counted) over the seconds from text
to Doc. `packed encoder, bare` gets prepared batches and is the bound for `nlp.pipe`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_line, describe_machine
from report import RESULTS, draw_bars, print_table, write_json
from rounds import share_texts, start_workers, take_turns, wait_for_idle
from spread import Spread, ratio_of, spread_of
from texts import describe_texts, mixed_texts
from tokenizers import Tokenizer
from worker import Worker

PIPE, BARE, REFERENCE = "nlp.pipe, exact fp32", "packed encoder, bare, fp32", "BertModel, padded"
PEERS = ("spacy-transformers 1.4.0", "spacy-curated-transformers 0.3.1")
# What runs, what it is, and Docs a batch: for the peers, the faster one of 64 and 256.
SYSTEMS: dict[str, tuple[str, str, int]] = {
    PIPE: ("ours:pipe_fp32", "ours", 256),
    BARE: ("ours:bare_fp32", "bound", 256),
    PEERS[0]: ("peers:spacy_transformers", "theirs", 64),
    PEERS[1]: ("peers:spacy_curated_transformers", "theirs", 64),
    REFERENCE: ("peers:reference_fp32", "theirs", 64),
    "nlp.pipe, bf16": ("ours:pipe_bf16", "ours", 256),
    "BertModel, padded, bf16": ("peers:reference_bf16", "theirs", 64),
}
# spacy-transformers gives a token context from 128 tokens, from 96 on twice: only shorter texts
# see the same context everywhere, so only they can be compared vector by vector.
COMPARABLE_TOKENS = 90


def main() -> None:
    """Measure, print, and write the results."""
    arguments = parse_arguments()
    texts = mixed_texts(arguments.data_dir, n_texts=arguments.texts, seed=arguments.seed)
    n_pieces = count_pieces(texts, arguments.checkpoint)
    about = describe_texts(texts, n_pieces=n_pieces)
    print(", ".join(f"{value:,} {key.replace('_', ' ')}" for key, value in about.items()))
    wait_for_idle(arguments.wait)
    machine = describe_machine(threads=arguments.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shared = {
            "texts": share_texts(texts, folder),
            "checkpoint": str(arguments.checkpoint.resolve()),
            "reference_batch_size": 64,
            "batch_pieces": 1024,
        }
        targets = {
            name: (target, {**shared, "batch_size": size})
            for name, (target, _, size) in SYSTEMS.items()
            if name in arguments.systems
        }
        workers = start_workers(targets, threads=arguments.threads, folder=folder)
        seconds = take_turns(workers, n_rounds=arguments.rounds)
        agreement = compare_vectors(workers, folder)
        for worker in workers.values():
            worker.close()
    rates = {name: [n_pieces / value for value in values] for name, values in seconds.items()}
    report(arguments, about, machine, rates, agreement)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder of the weights")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--texts", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), choices=list(SYSTEMS))
    parser.add_argument("--wait", type=float, default=300, help="seconds to wait for a quiet CPU")
    parser.add_argument("--name", default="inference", help="name of the result files")
    return parser.parse_args()


def count_pieces(texts: list[str], checkpoint: Path) -> int:
    """Pieces of the whole texts, without special ones."""
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
    return sum(len(encoding.ids) for encoding in encoded)


def compare_vectors(workers: dict[str, Worker], folder: Path) -> dict[str, dict[str, float]]:
    """How far the token vectors of each system are from those of the padded reference."""
    files: dict[str, Any] = {}
    for name, worker in workers.items():
        if name != BARE:
            path = folder / f"{len(files)}.npz"
            worker.ask({"do": "save_vectors", "path": str(path)})
            files[name] = np.load(path)
    if REFERENCE not in files:
        return {}
    reference = files.pop(REFERENCE)
    return {name: difference(file, reference) for name, file in files.items()}


def difference(file: Any, reference: Any) -> dict[str, float]:
    """Largest difference over all tokens and over those of short texts, and the mean cosine."""
    lengths, vectors, expected = file["lengths"], file["vectors"], reference["vectors"]
    gaps = np.abs(vectors - expected).max(axis=1)
    short = np.repeat(lengths, lengths) <= COMPARABLE_TOKENS
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(expected, axis=1)
    filled = norms > 0
    cosines = (vectors * expected).sum(axis=1)[filled] / norms[filled]
    return {
        "tokens": len(gaps),
        "max_difference": float(gaps.max()),
        "max_difference_short_texts": float(gaps[short].max()),
        "share_within_1e-4_short_texts": float((gaps[short] <= 1e-4).mean()),
        "mean_cosine": float(cosines.mean()),
    }


def report(
    arguments: argparse.Namespace,
    about: dict[str, Any],
    machine: dict[str, Any],
    rates: dict[str, list[float]],
    agreement: dict[str, dict[str, float]],
) -> None:
    """Print the tables, write JSON and picture."""
    spreads = {name: spread_of(values) for name, values in rates.items()}
    baseline = rates.get(PIPE)
    ratios = {
        name: ratio_of(baseline, values)
        for name, values in rates.items()
        if baseline is not None and name != PIPE
    }
    print_table(
        ("system", "pieces/s", "words/s", "min", "max", f"speed of {PIPE} over it"),
        [row_of(name, spread, about, ratios) for name, spread in spreads.items()],
    )
    print_table(
        ("against the padded reference", "max diff", "max diff, short", "same, short", "cosine"),
        [agreement_row(name, numbers) for name, numbers in agreement.items()],
    )
    foot = describe_line(machine)
    print(foot)
    path = RESULTS / f"{arguments.name}.json"
    write_json(
        path,
        {
            "machine": machine,
            "texts": {**about, "seed": arguments.seed},
            "checkpoint": arguments.checkpoint.name,
            "rounds": arguments.rounds,
            "pieces_per_second": {name: spread.to_json() for name, spread in spreads.items()},
            "times_as_fast": {name: ratio.to_json() for name, ratio in ratios.items()},
            "all_rounds": {name: [round(v, 1) for v in values] for name, values in rates.items()},
            "agreement": agreement,
        },
    )
    draw_bars(
        path.with_suffix(".png"),
        title=f"MiniLM-L6 on {about['texts']} mixed texts of {about['words']:,} words",
        unit="pieces per second",
        foot=foot,
        bars=[(name, spread, SYSTEMS[name][1]) for name, spread in spreads.items()],
    )


def row_of(
    name: str, spread: Spread, about: dict[str, Any], ratios: dict[str, Spread]
) -> tuple[str, ...]:
    """One system in the table."""
    words = spread.median * about["words"] / about["pieces"]
    ratio = ratios.get(name)
    times = f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})" if ratio else ""
    numbers = (spread.median, words, spread.minimum, spread.maximum)
    return (name, *(f"{number:,.0f}" for number in numbers), times)


def agreement_row(name: str, numbers: dict[str, float]) -> tuple[str, ...]:
    """One system in the table of agreement."""
    return (
        name,
        f"{numbers['max_difference']:.1e}",
        f"{numbers['max_difference_short_texts']:.1e}",
        f"{numbers['share_within_1e-4_short_texts']:.1%}",
        f"{numbers['mean_cosine']:.5f}",
    )


if __name__ == "__main__":
    main()
