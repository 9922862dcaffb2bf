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


def take_fresh_turns(
    targets: dict[str, tuple[str, dict[str, Any]]], *, threads: int, folder: Path, n_rounds: int
) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """Like `take_turns`, but every turn is a new process: load, `warm_up()`, `run()`, end.

    There is never more than one system in memory. A system that fails is left out from there on.
    RETURNS (tuple): By system its answers to `run()`, each with `seconds` and `result`; and by
        system that failed, why.
    """
    answers: dict[str, list[Any]] = {name: [] for name in targets}
    failed: dict[str, str] = {}
    for number in range(1, n_rounds + 1):
        for name, (target, settings) in targets.items():
            if name in failed:
                continue
            log = folder / f"{target.replace(':', '-')}.log"
            try:
                answers[name].append(_take_fresh_turn(target, settings, threads=threads, log=log))
            except SystemExit as error:
                failed[name] = str(error)
                print(f"{name} failed: {_last_line(failed[name])}", flush=True)
        line = ", ".join(
            f"{name} {turns[-1]['seconds']:.2f}" for name, turns in answers.items() if turns
        )
        print(f"round {number} of {n_rounds}: {line}", flush=True)
    return {name: turns for name, turns in answers.items() if name not in failed}, failed


def _take_fresh_turn(target: str, settings: dict[str, Any], *, threads: int, log: Path) -> Any:
    worker = Worker(target, settings=settings, threads=threads, log=log)
    worker.ask({"do": "warm_up"})
    answer = worker.ask({"do": "run"})
    worker.close()
    return answer


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


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
