"""Systems that a worker can build without loading anything."""

import os
import signal
import time
from typing import Any

from spacy_bert_plugin.cli.measure.system import TimedSystem


class Sleeper(TimedSystem):
    """Sleeps for each text; fails or dies as its settings say."""

    def __init__(self, settings: dict[str, Any]) -> None:
        print("this is not an answer")
        if settings.get("fails") == "load":
            raise ValueError("no such model: nowhere")
        super().__init__(settings, load_seconds=0.5)
        self.fails = settings.get("fails")

    def run(self) -> None:
        if self.fails == "run":
            raise RuntimeError("the weights are wrong")
        if self.fails == "exit":
            os.write(2, b"out of luck")
            os._exit(3)
        if self.fails == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.002 * len(self.texts) * self.n_passes)

    def run_one(self, number: int) -> None:
        time.sleep(0.001)


def echo(settings: dict[str, Any]) -> Any:
    """Something that answers with what it was asked."""

    class Echo:
        def say(self, text: str) -> Any:
            return [settings["name"], text, os.environ["OMP_NUM_THREADS"]]

    return Echo()
