"""Rounds in which the systems take turns: A B C, A B C, ...; only one works at a time."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from worker import Worker

IDLE_LOAD = 0.5


def start_workers(
    targets: dict[str, tuple[str, dict[str, Any]]], *, threads: int, folder: Path
) -> dict[str, Worker]:
    """One process a system, loaded one after the other.

    targets: By system, `module:function` and its settings.
    """
    workers: dict[str, Worker] = {}
    for name, (target, settings) in targets.items():
        print(f"loading {name} ...", flush=True)
        log = folder / f"{target.replace(':', '-')}.log"
        workers[name] = Worker(target, settings=settings, threads=threads, log=log)
    return workers


def take_turns(workers: dict[str, Worker], *, n_rounds: int) -> dict[str, list[float]]:
    """Seconds of `run()` of every system in every round, after one round that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in workers}
    for number in range(n_rounds + 1):
        for name, worker in workers.items():
            elapsed = float(worker.ask({"do": "run"})["seconds"])
            if number:
                seconds[name].append(elapsed)
        line = ", ".join(f"{name} {values[-1]:.2f}" for name, values in seconds.items() if values)
        print(f"round {number} of {n_rounds}: {line or 'warm-up'}", flush=True)
    return seconds


def wait_for_idle(limit_s: float) -> None:
    """Wait until the machine is quiet, or as long as allowed; a busy one measures others."""
    start = time.monotonic()
    while time.monotonic() - start < limit_s:
        load = float(Path("/proc/loadavg").read_text(encoding="utf8").split()[0])
        if load < IDLE_LOAD:
            return
        time.sleep(5)


def share_texts(texts: list[str], folder: Path) -> str:
    """Write the texts where every worker reads them."""
    path = folder / "texts.json"
    path.write_text(json.dumps(texts), encoding="utf8")
    return str(path)
