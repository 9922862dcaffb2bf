"""A tiny corpus, and what a run over it has logged."""

import json
import random
from pathlib import Path
from typing import Any

from tests.conftest import WORDS


def write_text(seed: int, n_documents: int = 8, n_sentences: int = 6) -> str:
    """Documents with blank lines between; every document speaks of a few words only."""
    rng = random.Random(seed)
    documents = []
    for _ in range(n_documents):
        topic = rng.sample(WORDS, 8)
        lines = [" ".join(rng.choices(topic, k=rng.randint(3, 7))) for _ in range(n_sentences)]
        documents.append("\n".join(lines))
    return "\n\n".join(documents) + "\n"


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The rows of a run, without what depends on the clock."""
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    for row in rows:
        del row["seconds"], row["pieces_per_second"]
    return rows
