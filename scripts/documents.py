"""Documents for pretraining: whole ones are held out, and each is a line of a jsonl file."""

import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

DEV_SHARE = 0.08


def hold_out(
    documents: Sequence[str], *, seed: int, share: float = DEV_SHARE
) -> tuple[list[str], list[str]]:
    """Split documents at random; none is cut in two.

    documents (list): Of one source, so that each source has its share.
    share (float): Of the documents that are held out; one at least, where there are two.
    RETURNS (tuple): What to train on, and what is held out, both in the order given.
    """
    n_dev = min(max(1, round(share * len(documents))), len(documents) - 1) if documents else 0
    chosen = set(random.Random(seed).sample(range(len(documents)), n_dev))
    train = [text for i, text in enumerate(documents) if i not in chosen]
    return train, [text for i, text in enumerate(documents) if i in chosen]


def write_documents(documents: Iterable[str], path: Path) -> None:
    """Write {"text": ...} for each document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in documents)
    path.write_text("".join(lines), encoding="utf8", newline="\n")


def write_split(sources: Iterable[Sequence[str]], folder: Path, *, seed: int) -> dict[str, int]:
    """Hold documents of every source out, and write train.jsonl and dev.jsonl.

    sources (iterable): Documents of each source.
    RETURNS (dict): Documents of each file.
    """
    parts: dict[str, list[str]] = {"train": [], "dev": []}
    for documents in sources:
        train, dev = hold_out(documents, seed=seed)
        parts["train"] += train
        parts["dev"] += dev
    for name, documents in parts.items():
        write_documents(documents, folder / f"{name}.jsonl")
    return {name: len(documents) for name, documents in parts.items()}
