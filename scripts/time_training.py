"""Take the time of a training: `start` before `spacy train`, `stop` after it.

`start` also removes the log of the last run, because spaCy's logger never writes over one.
"""

import time
from enum import Enum
from pathlib import Path

import srsly
import typer
from wasabi import msg

FILE = "time.json"


class Action(str, Enum):
    start = "start"
    stop = "stop"


def main(action: Action, folder: Path) -> None:
    """Write the minutes between start and stop to FOLDER/time.json."""
    path = folder / FILE
    if action is Action.start:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log.jsonl").unlink(missing_ok=True)
        srsly.write_json(path, {"start": time.time()})
        return
    if not path.is_file():
        msg.fail(f"No time was taken for {folder}", "Run `start` before the training.", exits=1)
    minutes = (time.time() - srsly.read_json(path)["start"]) / 60
    srsly.write_json(path, {"minutes": round(minutes, 2)})
    msg.good(f"Training took {minutes:.1f} minutes")


if __name__ == "__main__":
    typer.run(main)
