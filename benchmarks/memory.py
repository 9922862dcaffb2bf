"""How much memory texts take: one document of growing length, and streams of many short ones.

    python benchmarks/memory.py --checkpoint encoders/minilm-l6 --data-dir ../shared/data

Each measurement is a process of its own that loads a pipeline with categories and entities, runs a
short text, and then the document or the stream once. Reported is the highest resident memory of
the process while it runs them (as the kernel counts it), how much of it is above what there was
before, and what loading took at most. A process that takes too long or too much is ended; what it
had reached by then is reported as such. For Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from builds import N_STEPS, build_all
from machine import describe_line, describe_machine
from options import make_parser
from report import RESULTS, draw_lines, print_table, write_json

FOLDER = Path(__file__).resolve().parent
SYSTEMS = ("ours", "spacy-transformers")
UNITS = {"document": "words", "stream": "texts"}
DOCUMENTS = (3_000, 30_000, 100_000, 300_000)
STREAMS = (10_000, 100_000)
POLL_SECONDS = 0.2
MIB = 2**20


def main() -> None:
    """Measure, print, and write the results."""
    arguments = parse_arguments()
    machine = describe_machine(threads=arguments.threads)
    sizes = {"document": arguments.documents, "stream": arguments.streams}
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data_dir = arguments.data_dir
        about = {"checkpoint": arguments.checkpoint, "data_dir": data_dir, "n_steps": N_STEPS}
        paths = build_all(arguments.systems, folder / "pipelines", **about)
        for series, system, size in (
            (series, system, size)
            for series, some in sizes.items()
            for size in some
            for system in arguments.systems
        ):
            settings = {"system": system, "series": series, "size": size}
            settings |= {"path": str(paths[system]), "data_dir": str(data_dir.resolve())}
            rows.append(measure(settings, folder / "log.txt", arguments))
            print(describe(rows[-1]), flush=True)
    report(arguments, machine, rows)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__)
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), choices=SYSTEMS)
    parser.add_argument("--documents", type=int, nargs="*", default=list(DOCUMENTS), help="words")
    parser.add_argument("--streams", type=int, nargs="*", default=list(STREAMS), help="texts")
    parser.add_argument("--limit-seconds", type=float, default=1800, help="for one process")
    parser.add_argument("--limit-mib", type=float, default=12_000, help="for one process")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--name", default="memory", help="name of the result files")
    return parser.parse_args()


def measure(settings: dict[str, Any], log: Path, limits: argparse.Namespace) -> dict[str, Any]:
    """One size of one system in a fresh process. RETURNS: A row, with `end` saying how it ended."""
    environment = os.environ | {
        "OMP_NUM_THREADS": str(limits.threads),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
    }
    told = log.with_suffix(".jsonl")
    with told.open("wb") as answers, log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, str(FOLDER / "memory_turn.py"), json.dumps(settings)],
            stdout=answers,
            stderr=errors,
            env=environment,
        )
        end, seen = watch(process, seconds=limits.limit_seconds, mib=limits.limit_mib)
    lines = [json.loads(line) for line in told.read_text("utf8").splitlines() if line[:1] == "{"]
    if not lines:
        raise SystemExit(f"{settings} failed:\n{log.read_text('utf8', errors='replace')[-2000:]}")
    if process.returncode and not end:
        words = log.read_text("utf8", errors="replace").strip().splitlines() or ["no words"]
        end = f"died with {process.returncode}: {words[-1][:200]}"
    last = lines[-1]
    # What was seen from outside counts where the process could not say it any more.
    peak = max(last["peak"], seen) if end else last["peak"]
    row = {key: settings[key] for key in ("system", "series", "size")}
    return {
        **row,
        "done": last["done"],
        "tokens": last["tokens"],
        "loading_mib": round(last["loading"], 1),
        "before_mib": round(last["before"], 1),
        "peak_mib": round(peak, 1),
        "growth_mib": round(peak - last["before"], 1),
        "seconds": round(last["seconds"], 1),
        "end": end or "done",
        "resident_mib": [round(line["resident"], 1) for line in lines],
    }


def watch(process: subprocess.Popen[bytes], *, seconds: float, mib: float) -> tuple[str, float]:
    """Wait for a process, and end it when it goes beyond its limits.

    RETURNS: Why it was ended, empty if it ended by itself; and the most memory seen, in MiB.
    """
    start, most = time.monotonic(), 0.0
    while process.poll() is None:
        most = max(most, read_resident(process.pid))
        reason = ""
        if most > mib:
            reason = f"ended at {mib:,.0f} MiB"
        elif time.monotonic() - start > seconds:
            reason = f"ended after {seconds:,.0f} s"
        if reason:
            process.kill()
            process.wait()
            return reason, most
        time.sleep(POLL_SECONDS)
    return "", most


def read_resident(pid: int) -> float:
    """Resident memory of a process in MiB; 0.0 when it is gone, or where it cannot be asked."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def describe(row: dict[str, Any]) -> str:
    """One measurement in a line."""
    what = f"{row['system']}, {row['series']} of {row['size']:,} {UNITS[row['series']]}"
    return f"{what}: {row['peak_mib']:,.0f} MiB, {row['seconds']:,.0f} s, {row['end']}"


def report(
    arguments: argparse.Namespace, machine: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    """Print the table, write JSON and picture."""
    header = (
        "system",
        "text",
        "loading, MiB",
        "before, MiB",
        "peak, MiB",
        "growth, MiB",
        "seconds",
        "end",
    )
    print_table(header, [row_of(row) for row in rows])
    foot = describe_line(machine)
    print(foot)
    path = RESULTS / f"{arguments.name}.json"
    limits = {"seconds": arguments.limit_seconds, "mib": arguments.limit_mib}
    content = {"machine": machine, "checkpoint": arguments.checkpoint.name, "limits": limits}
    write_json(path, {**content, "rows": rows})
    lines = [
        (f"{system}, {series} of so many {unit}", *points_of(rows, system, series))
        for series, unit in UNITS.items()
        for system in arguments.systems
    ]
    n_ended = sum(row["end"] != "done" for row in rows)
    ended = f"; {n_ended} of {len(rows)} runs were ended early" if n_ended else ""
    draw_lines(
        path.with_suffix(".png"),
        title=f"Peak memory, MiniLM-L6 with categories and entities, fp32{ended}",
        labels=("words of one document, or texts of a stream", "peak resident memory, MiB"),
        foot=foot,
        lines=[line for line in lines if line[1]],
    )


def points_of(
    rows: list[dict[str, Any]], system: str, series: str
) -> tuple[list[float], list[float]]:
    """Sizes and peaks of one line of the picture; what was ended counts as far as it came.

    How far it came in a document is not known, so its size stands.
    """
    chosen = [row for row in rows if (row["system"], row["series"]) == (system, series)]
    return [row["done"] or row["size"] for row in chosen], [row["peak_mib"] for row in chosen]


def row_of(row: dict[str, Any]) -> tuple[str, ...]:
    """One measurement in the table."""
    numbers = (
        row["loading_mib"],
        row["before_mib"],
        row["peak_mib"],
        row["growth_mib"],
        row["seconds"],
    )
    text = f"{row['series']}, {row['size']:,} {UNITS[row['series']]}"
    reached = "" if row["done"] == row["size"] else f", {row['done']:,} {UNITS[row['series']]} done"
    return (
        row["system"],
        text,
        *(f"{number:,.0f}" for number in numbers),
        f"{row['end']}{reached}",
    )


if __name__ == "__main__":
    main()
