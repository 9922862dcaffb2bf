"""The finished trainings of `quality.py` in one JSON file, added to one by one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from job import Job

FOLDER = Path(__file__).resolve().parent


class Runs:
    """The result file. A run with new settings takes the place of the old one.

    path (Path): The file; it may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        stored: dict[str, Any] = {"machine": {}, "runs": []}
        if path.exists():
            stored = json.loads(path.read_text(encoding="utf8"))
        self.machine: dict[str, Any] = stored["machine"]
        self._runs: list[dict[str, Any]] = stored["runs"]

    def all(self) -> list[dict[str, Any]]:
        """Every run."""
        return list(self._runs)

    def has(self, data: str, system: str, seed: int, settings: dict[str, Any]) -> bool:
        """Whether the run was made with these settings."""
        return any(
            _is_run(run, data, system, seed) and run["settings"] == settings for run in self._runs
        )

    def add(
        self, data: str, system: str, seed: int, settings: dict[str, Any], outcome: dict[str, Any]
    ) -> None:
        """Store a run at once: the file is the old one or the new one, never half of it."""
        about = {"data": data, "system": system, "seed": seed, "settings": settings}
        made = {key: self.machine.get(key) for key in ("date", "commit")}
        self._runs = [run for run in self._runs if not _is_run(run, data, system, seed)]
        self._runs.append({**about, **made, **outcome})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temp = self.path.with_name(f".{self.path.name}.tmp")
        content = {"machine": self.machine, "runs": self._runs}
        temp.write_text(json.dumps(content, indent=1) + "\n", encoding="utf8")
        os.replace(temp, self.path)


def run_in_process(job: Job, *, threads: int, keep_models: bool) -> dict[str, Any] | None:
    """Run a job in a process of its own, its output in a log beside its folder.

    RETURNS (dict): The outcome; None where the process failed.
    """
    folder = Path(job.folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source, target = folder / "job.json", folder / "outcome.json"
    source.write_text(json.dumps(asdict(job)), encoding="utf8")
    command = [sys.executable, str(FOLDER / "run_job.py"), str(source), str(target)]
    with folder.with_suffix(".log").open("wb") as log:
        done = subprocess.run(
            command, env=job_environment(threads), stdout=log, stderr=log, check=False
        )
    if done.returncode or not target.exists():
        return None
    outcome: dict[str, Any] = json.loads(target.read_text(encoding="utf8"))
    if not keep_models:
        shutil.rmtree(folder)
    return outcome


def job_environment(threads: int) -> dict[str, str]:
    """So many threads, no network."""
    return os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TRANSFORMERS_VERBOSITY": "error",
    }


def _is_run(run: dict[str, Any], data: str, system: str, seed: int) -> bool:
    return (run["data"], run["system"], run["seed"]) == (data, system, seed)
