"""An hour's worth of requests in a few minutes: memory has to stay flat.

    python benchmarks/soak.py                                          # a tiny model
    python benchmarks/soak.py --pipeline path/to/pipeline --precision bf16 --n-texts 50000

Threads share one pipeline in one memory zone. One word of twenty was never seen before, lengths go
from one word to several windows, some texts come alone and some in streams, and a third of the
streams are cut short. Resident memory is read many times; reported is the slope of a line through
the readings of the second half, by when everything that is made once is made, with its interval of
95 % (from a bootstrap over blocks, as neighbouring readings resemble each other). For Linux.
"""

from __future__ import annotations

import argparse
import gc
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import torch
from machine import describe_line, describe_machine
from memory_turn import resident_mib
from report import RESULTS, draw_lines, write_json
from spacy.language import Language
from tiny_models import make_pipeline, make_tiny_checkpoint

from spacy_bert_plugin.pipeline.zones import SharedZone

N_READINGS = 60
BLOCK = 5  # readings that are drawn together
N_DRAWS = 2000
LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Growth that has to lie within the interval, KiB for 1,000 texts. The vocabulary of spaCy itself
# grows in its zones, by about 30 bytes for every word that it has never seen.
FLAT_KIB = 100.0
N_KNOWN = 20_000


def main() -> None:
    """Serve, read memory, print and write the slope."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pipeline", type=Path, help="a tiny one is made if none is given")
    parser.add_argument("--precision", help="of the encoder; as the pipeline has it if none")
    parser.add_argument("--n-texts", type=int, default=20_000)
    parser.add_argument("--n-threads", type=int, default=2)
    parser.add_argument("--longest", type=int, default=300, help="words")
    parser.add_argument("--unseen", type=float, default=0.05, help="share of words never seen")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", default="soak", help="name of the result files")
    arguments = parser.parse_args()
    nlp = load(arguments.pipeline, arguments.precision)
    traffic = Traffic(
        nlp,
        n_threads=arguments.n_threads,
        longest=arguments.longest,
        unseen=arguments.unseen,
    )
    readings: list[tuple[int, float]] = []
    begin = time.perf_counter()
    step = max(arguments.n_texts // N_READINGS, 1)
    for number in range(N_READINGS):
        traffic.run(step, seed=arguments.seed * N_READINGS + number)
        readings.append((traffic.n_texts, resident_mib()))
        print(f"{traffic.n_texts:,} texts: {readings[-1][1]:,.0f} MiB", flush=True)
    row = summarize(readings) | {
        "pipeline": arguments.pipeline.name if arguments.pipeline else "tiny",
        "precision": arguments.precision or "as saved",
        "n_threads": arguments.n_threads,
        "unseen": arguments.unseen,
        "n_tokens": traffic.n_tokens,
        "seconds": round(time.perf_counter() - begin, 1),
        "seed": arguments.seed,
    }
    report(row, readings, arguments.name)
    raise SystemExit(0 if row["is_flat"] else 1)


def load(path: Path | None, precision: str | None) -> Language:
    """Load a pipeline, or make a tiny one."""
    if path is None:
        with tempfile.TemporaryDirectory() as folder:
            nlp: Language = make_pipeline(make_tiny_checkpoint(Path(folder) / "tiny"), seed=0)
            return nlp
    config = {"components": {"bert_transformer": {"precision": precision}}} if precision else {}
    return spacy.load(path, config=config)


class Traffic:
    """Requests of clients that never repeat themselves, in several threads.

    n_texts, n_tokens: What has been answered so far.
    """

    def __init__(
        self, nlp: Language, *, n_threads: int = 2, longest: int = 300, unseen: float = 0.05
    ) -> None:
        self.nlp, self.n_threads, self.longest, self.unseen = nlp, n_threads, longest, unseen
        draw = random.Random(0)
        self.known = [draw_word(draw) for _ in range(N_KNOWN)]
        self.zone = SharedZone(nlp, n_texts=200)
        self.n_texts = self.n_tokens = 0
        self._lock = threading.Lock()

    def run(self, n_texts: int, *, seed: int) -> None:
        """Answer about so many texts.

        RAISES (Exception): What the first thread that failed has raised.
        """
        failed: list[Exception] = []

        def work(number: int) -> None:
            try:
                self._work(random.Random(seed * 1000 + number), n_texts // self.n_threads)
            except Exception as error:  # noqa: BLE001 (raised again below)
                failed.append(error)

        run_threads(self.n_threads, work)
        if failed:
            raise failed[0]

    def _work(self, draw: random.Random, n_texts: int) -> None:
        left = n_texts
        while left > 0:
            kind = draw.random()
            size = 1 if kind < 0.5 else draw.randint(2, 48)
            # A third of the streams are given up half way.
            wanted = size if kind < 0.85 else (size + 1) // 2
            with self.zone.enter():
                stream = self.nlp.pipe((self._draw_text(draw) for _ in range(size)), batch_size=16)
                docs = [self.nlp(self._draw_text(draw))] if size == 1 else islice(stream, wanted)
                n_tokens = sum(len(doc) for doc in docs)
                del docs, stream
            left -= wanted
            with self._lock:
                self.n_texts += wanted
                self.n_tokens += n_tokens

    def _draw_text(self, draw: random.Random) -> str:
        # Most texts are short, and some are as long as can be.
        n_words = int(self.longest ** draw.random())
        return " ".join(
            draw_word(draw) if draw.random() < self.unseen else draw.choice(self.known)
            for _ in range(n_words)
        )


def draw_word(draw: random.Random) -> str:
    """A word that hardly comes twice."""
    return "".join(draw.choices(LETTERS, k=draw.randint(2, 9)))


def run_threads(n_threads: int, work: Callable[[int], None]) -> None:
    """Call a function in several threads, and wait for all."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()


def summarize(readings: list[tuple[int, float]]) -> dict[str, Any]:
    """Slope of memory over the second half of the readings, in KiB a thousand texts."""
    texts, mib = np.array(readings[len(readings) // 2 :], dtype=float).T
    slope = fit_slope(texts, mib)
    low, high = np.percentile(list(draw_slopes(texts, mib)), [2.5, 97.5])
    scale = 1024 * 1000
    return {
        "kib_per_1000_texts": round(slope * scale, 1),
        "interval": [round(low * scale, 1), round(high * scale, 1)],
        "first_mib": round(readings[0][1], 1),
        "half_mib": round(float(mib[0]), 1),
        "last_mib": round(readings[-1][1], 1),
        "n_texts": readings[-1][0],
        "is_flat": bool(low * scale <= FLAT_KIB),
    }


def fit_slope(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> float:
    """Slope of the line of least squares."""
    centered = x - x.mean()
    return float(centered @ (y - y.mean()) / (centered @ centered))


def draw_slopes(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> Iterator[float]:
    """Slopes of samples whose residuals are drawn in blocks.

    Künsch (1989), https://doi.org/10.1214/aos/1176347265
    """
    generator = np.random.default_rng(0)
    slope = fit_slope(x, y)
    line = y.mean() + slope * (x - x.mean())
    residuals, n_blocks = y - line, -(-len(x) // BLOCK)
    for _ in range(N_DRAWS):
        starts = generator.integers(0, max(len(x) - BLOCK, 0) + 1, n_blocks)
        drawn = np.concatenate([residuals[start : start + BLOCK] for start in starts])
        yield fit_slope(x, line + np.resize(drawn, len(x)))


def report(row: dict[str, Any], readings: list[tuple[int, float]], name: str) -> None:
    """Print, and write JSON and picture."""
    machine = describe_machine(threads=torch.get_num_threads())
    low, high = row["interval"]
    print(
        f"{row['kib_per_1000_texts']:+,.1f} KiB for each 1,000 texts "
        f"(95 %: {low:+,.1f} to {high:+,.1f}), {row['n_texts']:,} texts in {row['seconds']:,.0f} s"
    )
    path = RESULTS / f"{name}.json"
    write_json(path, {"machine": machine, "row": row, "readings": readings})
    label = f"{row['pipeline']}, {row['precision']}, {row['n_threads']} threads"
    texts, mib = zip(*readings, strict=True)
    draw_lines(
        path.with_suffix(".png"),
        title="Resident memory of a service, words never seen before",
        labels=("texts answered", "resident memory, MiB"),
        foot=describe_line(machine),
        lines=[(label, list(texts), list(mib))],
    )


if __name__ == "__main__":
    main()
