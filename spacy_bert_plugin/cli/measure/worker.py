"""The measuring side: a system in a process of its own, told over a pipe when to work.

The process stays alive between rounds, so that every round measures warm code, and only one
works at a time: the others wait for their next line.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from ...errors import Errors, WorkerError

LOAD, N_TAIL = "load", 1500
CLOSE_SECONDS = 60.0
KILLED = "Something killed it, most likely the system because memory ran out. "


class Worker:
    """Starts `module:function` in a new process and sends it requests.

    name (str): What it is called in messages.
    target (str): What to call there with the settings; its methods answer the requests.
    settings (Mapping): Anything that JSON can hold.
    threads (int): Threads that it may compute with.
    log (Path): File for whatever it prints.
    folder (Path): Where the module is looked for first.
    environment (Mapping): Further variables of its environment.
    RAISES (WorkerError): The system cannot be built.
    """

    def __init__(
        self,
        name: str,
        target: str,
        *,
        settings: Mapping[str, Any],
        threads: int,
        log: Path,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._file = log.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "spacy_bert_plugin.cli.measure.serve", target],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._file,
            env={**make_environment(threads=threads, folder=folder), **(environment or {})},
            encoding="utf8",
        )
        try:
            self._send(dict(settings), doing=LOAD)
        except BaseException:
            self.kill()
            raise

    def call(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Call a method of the system and wait for its answer.

        RETURNS (dict): `seconds` that the call took, and its `result`.
        RAISES (WorkerError): It failed, or the process ended.
        """
        return self._send({"do": do, **arguments}, doing=do.replace("_", " "))

    def close(self) -> None:
        """End the process and wait for it."""
        if self.process.stdin is not None:
            with suppress(OSError):  # it may have ended by itself
                self.process.stdin.close()
        try:
            self.process.wait(timeout=CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._file.close()

    def kill(self) -> None:
        """End the process whatever it is doing."""
        self.process.kill()
        self.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.kill()

    def _send(self, request: dict[str, Any], *, doing: str) -> dict[str, Any]:
        stdin, stdout = self.process.stdin, self.process.stdout
        line = ""
        if stdin is not None and stdout is not None:
            try:
                stdin.write(json.dumps(request) + "\n")
                stdin.flush()
                line = stdout.readline()
            except OSError:
                line = ""  # nobody reads any more: the same as no answer
        if not line:
            raise self._explain_end(doing)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            message = Errors.SB705.format(name=self.name, doing=doing, message=answer["error"])
            raise WorkerError(message, trace=answer["trace"])
        return answer

    def _explain_end(self, doing: str) -> WorkerError:
        code = self.process.wait()
        tail = self.log.read_text(encoding="utf8", errors="replace")[-N_TAIL:].strip()
        return WorkerError(
            Errors.SB706.format(
                name=self.name,
                code=name_exit(code),
                doing=doing,
                hint=KILLED if code == -getattr(signal, "SIGKILL", 9) else "",
                tail=tail or "nothing",
            )
        )


def name_exit(code: int) -> str:
    """An exit code in words: the name of the signal where one ended it."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def make_environment(*, threads: int, folder: Path | None = None) -> dict[str, str]:
    """Variables of a worker: threads, and where it finds modules.

    threads (int): For OpenMP and MKL.
    folder (Path): Put before the other places.
    """
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TRANSFORMERS_VERBOSITY": "error",
    }
    if folder is not None:
        places = [str(folder), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, places))
    return environment
