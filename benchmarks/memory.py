"""How much memory texts take: one document of growing length, and streams of many short ones.

    python benchmarks/memory.py --checkpoint encoders/minilm-l6 --data-dir ../shared/data

Each measurement is a process of its own that loads the pipeline, runs a short text, and then the
text or the stream once. Reported is the highest resident memory of the process (as the kernel
counts it) above what it had before the run.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from machine import describe_line, describe_machine
from report import RESULTS, draw_lines, print_table, write_json
from texts import long_text
from worker import Worker

SIZES = (10_000, 30_000, 100_000, 300_000)
STREAM_TEXT_WORDS = 100
MIB = 2**20
SERIES = {"document": "one document", "stream": "stream of 100-word texts, let go of"}


class MemorySystem:
    """Loaded pipeline in a worker; `run` is asked once."""

    def __init__(self, settings: dict[str, Any]) -> None:
        from ours import build_nlp

        self.nlp = build_nlp(settings, precision="fp32", keep=settings["keep"])
        self.settings = settings
        self.nlp("A short text first, so that what is made once is not counted.")

    def run(self) -> dict[str, float]:
        """Run the text as one Doc, or in pieces of 100 words as a stream."""
        settings = self.settings
        text = long_text(Path(settings["data_dir"]), n_words=settings["n_words"])
        before = resident_bytes()
        if settings["series"] == "document":
            self.nlp.max_length = len(text) + 1
            n_tokens = len(self.nlp(text))
        else:
            n_tokens = sum(len(doc) for doc in self.nlp.pipe(split(text), batch_size=256))
        return {"tokens": n_tokens, "before": before, "peak": peak_bytes()}


def split(text: str) -> Iterator[str]:
    """Runs of 100 words."""
    words = text.split()
    for start in range(0, len(words), STREAM_TEXT_WORDS):
        yield " ".join(words[start : start + STREAM_TEXT_WORDS])


def resident_bytes() -> int:
    """Resident memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def peak_bytes() -> int:
    """Highest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder of the weights")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="in words")
    parser.add_argument("--keep", default="doc", choices=["none", "doc", "tokens", "all"])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--name", default="memory", help="name of the result files")
    arguments = parser.parse_args()
    machine = describe_machine(threads=arguments.threads)
    rows = []
    for series in SERIES:
        for n_words in arguments.sizes:
            rows.append(measure(arguments, series=series, n_words=n_words))
            print(
                f"{SERIES[series]}, {n_words:,} words: {rows[-1]['peak_mib']:,.0f} MiB", flush=True
            )
    report(arguments, machine, rows)


def measure(arguments: argparse.Namespace, *, series: str, n_words: int) -> dict[str, Any]:
    """One size in a fresh process."""
    settings = {
        "checkpoint": str(arguments.checkpoint.resolve()),
        "data_dir": str(arguments.data_dir.resolve()),
        "series": series,
        "n_words": n_words,
        "keep": arguments.keep,
    }
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / f"{series}-{n_words}.log"
        worker = Worker(
            "memory:MemorySystem", settings=settings, threads=arguments.threads, log=log
        )
        answer = worker.ask({"do": "run"})
        worker.close()
    result = answer["result"]
    return {
        "series": series,
        "words": n_words,
        "tokens": result["tokens"],
        "before_mib": round(result["before"] / MIB, 1),
        "peak_mib": round(result["peak"] / MIB, 1),
        "growth_mib": round((result["peak"] - result["before"]) / MIB, 1),
        "seconds": round(answer["seconds"], 2),
    }


def report(
    arguments: argparse.Namespace, machine: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    """Print the table, write JSON and picture."""
    header = ("text", "words", "tokens", "before, MiB", "peak, MiB", "growth, MiB", "seconds")
    print_table(header, [row_of(row) for row in rows])
    foot = describe_line(machine)
    print(foot)
    path = RESULTS / f"{arguments.name}.json"
    write_json(
        path,
        {
            "machine": machine,
            "checkpoint": arguments.checkpoint.name,
            "keep": arguments.keep,
            "rows": rows,
        },
    )
    lines = []
    for series, title in SERIES.items():
        chosen = [row for row in rows if row["series"] == series]
        lines.append((title, [r["words"] for r in chosen], [r["peak_mib"] for r in chosen]))
    draw_lines(
        path.with_suffix(".png"),
        title=f"Peak memory of the process, MiniLM-L6 fp32, keep = {arguments.keep}",
        labels=("words", "peak resident memory, MiB"),
        foot=foot,
        lines=lines,
    )


def row_of(row: dict[str, Any]) -> tuple[str, ...]:
    """One measurement in the table."""
    numbers = (row["before_mib"], row["peak_mib"], row["growth_mib"])
    return (
        SERIES[row["series"]],
        f"{row['words']:,}",
        f"{row['tokens']:,}",
        *(f"{number:,.0f}" for number in numbers),
        f"{row['seconds']:.1f}",
    )


if __name__ == "__main__":
    main()
