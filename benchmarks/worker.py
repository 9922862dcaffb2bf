"""A worker as the scripts want it: it finds their modules, and its failure ends the script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spacy_bert_plugin.cli.measure.worker import Worker as PackageWorker
from spacy_bert_plugin.errors import WorkerError

FOLDER = Path(__file__).resolve().parent
OFFLINE = {"HF_HUB_OFFLINE": "1"}


class Worker(PackageWorker):
    """A system in a process of its own, without network.

    target (str): `module:function` of a script in this folder.
    settings (dict): What the function gets.
    threads (int): Threads that it may compute with.
    log (Path): File for whatever it prints.
    """

    def __init__(self, target: str, *, settings: dict[str, Any], threads: int, log: Path) -> None:
        try:
            super().__init__(
                log.stem,
                target,
                settings=settings,
                threads=threads,
                log=log,
                folder=FOLDER,
                environment=OFFLINE,
            )
        except WorkerError as error:
            raise SystemExit(f"{error.trace}\n{error}") from error

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send `{"do": method, ...}`. RETURNS (dict): `seconds` and `result`."""
        try:
            return self.call(**request)
        except WorkerError as error:
            raise SystemExit(f"{error.trace}\n{error}") from error
