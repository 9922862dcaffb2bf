"""Vectors of texts: `bert_embedder` against the library sentence-transformers, same weights.

    pip install sentence-transformers
    python benchmarks/embeddings.py --checkpoint encoders/minilm-l6 --data-dir ../shared/data

Both take turns in one process, from text to vectors, with as many pieces a window as the encoder
takes. sentence-transformers runs with each of `--batch-sizes`, and the fastest of them counts. Then
the vectors are compared.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from inference import count_pieces
from machine import describe_line, describe_machine
from options import make_parser
from report import RESULTS, draw_bars, print_table, write_json
from rounds import wait_for_idle
from spread import ratio_of, show_ratio, spread_of
from texts import describe_texts, mixed_texts

OURS, THEIRS = "bert_embedder", "sentence-transformers"
PRECISIONS = ("fp32", "bf16")
BATCH_SIZE = 256
EmbedT = Callable[[Sequence[str]], Any]


def main() -> None:
    """Measure, compare, print, and write the results."""
    arguments = parse_arguments()
    import torch

    torch.set_num_threads(arguments.threads)
    texts = mixed_texts(arguments.data_dir, n_texts=arguments.texts, seed=arguments.seed)
    n_pieces = count_pieces(texts, arguments.checkpoint)
    systems: dict[str, EmbedT] = {
        f"{OURS}, {precision}": make_ours(arguments, precision)
        for precision in arguments.precisions
    }
    for size in arguments.batch_sizes:
        systems[f"{THEIRS}, fp32, batches of {size}"] = make_theirs(arguments, size)
    wait_for_idle(arguments.wait)
    rates, vectors = measure(systems, texts, n_pieces=n_pieces, n_rounds=arguments.rounds)
    about = describe_texts(texts, n_pieces=n_pieces)
    report(describe_machine(threads=arguments.threads), about, rates, vectors)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__)
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precisions", nargs="+", default=list(PRECISIONS))
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[16, 32, 128])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--wait", type=float, default=300, help="seconds to wait for a quiet CPU")
    return parser.parse_args()


def make_ours(arguments: argparse.Namespace, precision: str) -> EmbedT:
    """A pipeline, from its tokenizer to what it leaves on a Doc."""
    import spacy

    nlp = spacy.blank("en")
    encoder = {"model": {"name": str(arguments.checkpoint)}, "precision": precision, "keep": "none"}
    nlp.add_pipe("bert_transformer", config=encoder)
    nlp.add_pipe("bert_embedder")
    nlp.initialize()

    def embed(texts: Sequence[str]) -> Any:
        return np.stack([doc._.embedding for doc in nlp.pipe(texts, batch_size=BATCH_SIZE)])

    return embed


def make_theirs(arguments: argparse.Namespace, batch_size: int) -> EmbedT:
    """The library, with the modules of the model on the hub: mean of all pieces, length one."""
    from sentence_transformers import SentenceTransformer, models

    transformer = models.Transformer(str(arguments.checkpoint), max_seq_length=512)
    modules = [transformer, models.Pooling(384, pooling_mode="mean"), models.Normalize()]
    model = SentenceTransformer(modules=modules, device="cpu")

    def embed(texts: Sequence[str]) -> Any:
        return model.encode(list(texts), batch_size=batch_size, show_progress_bar=False)

    return embed


def measure(
    systems: dict[str, EmbedT], texts: Sequence[str], *, n_pieces: int, n_rounds: int
) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Let the systems take turns; the first round warms up.

    RETURNS: Pieces a second of each round, and the vectors.
    """
    rates: dict[str, list[float]] = {name: [] for name in systems}
    vectors: dict[str, Any] = {}
    for number in range(n_rounds + 1):
        for name, embed in systems.items():
            start = time.perf_counter()
            vectors[name] = embed(texts)
            seconds = time.perf_counter() - start
            if number:
                rates[name].append(n_pieces / seconds)
                print(f"round {number} of {n_rounds}: {name} {seconds:.2f} s", flush=True)
    return rates, vectors


def report(
    machine: dict[str, Any],
    about: dict[str, Any],
    rates: dict[str, list[float]],
    vectors: dict[str, Any],
) -> None:
    """Print the table, write JSON and picture."""
    spreads = {name: spread_of(values) for name, values in rates.items()}
    theirs = [name for name in rates if name.startswith(THEIRS)]
    best = max(theirs, key=lambda name: spreads[name].median)
    ratios = {name: ratio_of(values, rates[best]) for name, values in rates.items()}
    found = {
        name: {
            "pieces_per_second": spreads[name].to_json(),
            "over_sentence_transformers": ratios[name].to_json(),
            "largest_difference": float(np.abs(rows - vectors[best]).max()),
            "least_cosine": float((rows * vectors[best]).sum(axis=1).min()),
            "rounds": [round(value, 1) for value in rates[name]],
        }
        for name, rows in vectors.items()
    }
    print_table(
        ("", "pieces/s", f"{best} = 1", "largest difference", "least cosine"),
        [
            (
                name,
                f"{spreads[name].median:,.0f}",
                show_ratio(ratios[name]),
                f"{row['largest_difference']:.1e}",
                f"{row['least_cosine']:.6f}",
            )
            for name, row in found.items()
        ],
    )
    foot = describe_line(machine)
    print(foot)
    path = RESULTS / "embeddings.json"
    write_json(path, {"machine": machine, "texts": about, "best": best, "systems": found})
    draw_bars(
        path.with_suffix(".png"),
        title="Vectors of texts, the same weights",
        unit="pieces per second",
        foot=foot,
        bars=[
            (name, spread, "theirs" if name in theirs else "ours")
            for name, spread in spreads.items()
        ],
    )


if __name__ == "__main__":
    main()
