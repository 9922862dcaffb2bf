"""A system under measurement in a process of its own, told over a pipe when to work.

The process stays alive between rounds, so that every round measures warm code, and only one
works at a time: the others wait for their next line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


class Worker:
    """The measuring side: starts `module:function` in a new process and sends it requests."""

    def __init__(self, target: str, *, settings: dict[str, Any], threads: int, log: Path) -> None:
        self.log = log
        read_end, write_end = os.pipe()
        environment = os.environ | {
            "OMP_NUM_THREADS": str(threads),
            "MKL_NUM_THREADS": str(threads),
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_VERBOSITY": "error",
        }
        self._file = log.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, str(FOLDER / "worker.py"), target, str(write_end)],
            stdin=subprocess.PIPE,
            stdout=self._file,
            stderr=self._file,
            env=environment,
            pass_fds=[write_end],
            text=True,
        )
        os.close(write_end)
        self._answers = os.fdopen(read_end, encoding="utf8")
        self.loaded = self.ask(settings)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send one request and wait for its answer; a failure ends the benchmark."""
        if self.process.stdin is not None and self.process.poll() is None:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        line = self._answers.readline()
        if not line:
            tail = self.log.read_text(encoding="utf8", errors="replace")[-2000:]
            code = self.process.wait()
            raise SystemExit(f"the worker of {self.log.stem} ended with {code}:\n{tail}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise SystemExit(f"{self.log.stem}: {answer['error']}")
        return answer

    def close(self) -> None:
        """End the process and wait for it."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(timeout=60)
        self._answers.close()
        self._file.close()


def serve(target: str, answers_fd: int) -> None:
    """The measured side: build the system from the first line, then answer line by line."""
    module, _, function = target.partition(":")
    with os.fdopen(answers_fd, "w", encoding="utf8") as answers:
        system: Any = None
        for line in sys.stdin:
            request = json.loads(line)
            try:
                if system is None:
                    system = getattr(__import__(module), function)(request)
                    answer: dict[str, Any] = {"ready": True}
                else:
                    answer = _answer(system, request)
            except Exception:  # noqa: BLE001 (it is passed on, and ends the benchmark)
                answer = {"error": traceback.format_exc()}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


def _answer(system: Any, request: dict[str, Any]) -> dict[str, Any]:
    method = getattr(system, request.pop("do"))
    start = time.perf_counter()
    result = method(**request)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "result": result}


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
