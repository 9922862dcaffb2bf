"""Turns of fresh processes, and waiting for a quiet machine.

Systems that stay in memory between rounds take turns in `spacy_bert_plugin.cli.measure.rounds`.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

from worker import Worker

from spacy_bert_plugin.cli.measure.rounds import take_turns

IDLE_LOAD = 0.5


def take_fresh_turns(
    targets: dict[str, tuple[str, dict[str, Any]]], *, threads: int, folder: Path, n_rounds: int
) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """Take turns, every one in a new process: load, `warm_up()`, `run()`, end.

    There is never more than one system in memory. A system that fails is left out from there on.
    targets: By system, `module:function` and its settings.
    RETURNS (tuple): By system its answers to `run()`, each with `seconds` and `result`; and by
        system that failed, why.
    """
    failed: dict[str, str] = {}

    def turn(name: str) -> Any:
        if name in failed:
            return None
        target, settings = targets[name]
        log = folder / f"{target.replace(':', '-')}.log"
        try:
            return _take_fresh_turn(target, settings, threads=threads, log=log)
        except SystemExit as error:
            failed[name] = str(error)
            return None

    def tell(number: int, name: str, answer: Any) -> None:
        reason = "" if name not in failed else f"failed: {_last_line(failed[name])}"
        done = reason if answer is None else f"{answer['seconds']:.2f} s"
        print(f"round {number} of {n_rounds}: {name} {done}", flush=True)

    turns = {name: partial(turn, name) for name in targets}
    answers = take_turns(turns, n_rounds=n_rounds, n_warm_up=0, on_turn=tell)
    return {name: found for name, found in answers.items() if name not in failed}, failed


def _take_fresh_turn(target: str, settings: dict[str, Any], *, threads: int, log: Path) -> Any:
    with Worker(target, settings=settings, threads=threads, log=log) as worker:
        worker.ask({"do": "warm_up"})
        return worker.ask({"do": "run"})


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
