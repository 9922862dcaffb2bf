"""Flatten the SNIPS files of sonos/nlu-benchmark (one a split and intent) into two jsonl files.

A row becomes {"text", "intent", "spans": [{"start", "end", "label"}]}, offsets in characters. The
rows of the intents, in alphabetical order, are shuffled with seed 0.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

INTENTS = (
    "AddToPlaylist",
    "BookRestaurant",
    "GetWeather",
    "PlayMusic",
    "RateBook",
    "SearchCreativeWork",
    "SearchScreeningEvent",
)
NAMES = {"train": "train_{intent}_full.json", "validate": "validate_{intent}.json"}


def read_json(path: Path) -> Any:
    """Read a JSON file that may hold lines in latin-1 among its UTF-8."""
    lines = []
    for line in path.read_bytes().split(b"\n"):
        try:
            lines.append(line.decode("utf8"))
        except UnicodeDecodeError:
            lines.append(line.decode("latin-1"))
    return json.loads("\n".join(lines))


def flatten(row: dict[str, Any], intent: str) -> dict[str, Any]:
    """Join the parts of one utterance.

    row (dict): {"data": [{"text", "entity"?}, ...]}
    RETURNS (dict): Text, intent and spans; white space around a span is no part of it.
    """
    text, spans = "", []
    for part in row["data"]:
        start, end = len(text), len(text) + len(part["text"])
        text += part["text"]
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if "entity" in part and start < end:
            spans.append({"start": start, "end": end, "label": part["entity"]})
    return {"text": text, "intent": intent, "spans": spans}


def read_split(folder: Path, split: str) -> Iterator[dict[str, Any]]:
    for intent in INTENTS:
        for row in read_json(folder / NAMES[split].format(intent=intent))[intent]:
            yield flatten(row, intent)


def prepare(upstream: Path, folder: Path) -> None:
    """Write train.jsonl and validate.jsonl.

    upstream (Path): Folder with the 14 files.
    folder (Path): Where the two files go.
    """
    for split in NAMES:
        rows = list(read_split(upstream, split))
        random.Random(0).shuffle(rows)
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{split}.jsonl").write_text(lines, encoding="utf8", newline="\n")
