"""Real texts to measure on: seeded samples of public data sets that lie in one folder."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

# Shares of a mixed sample: many short texts, a few long ones, as applications see them.
SHARES = {"reviews": 10, "commands": 8, "posts": 4, "encyclopedia": 6, "novel pages": 2}
PAGE_WORDS = 250


def mixed_texts(data_dir: Path, *, n_texts: int, seed: int) -> list[str]:
    """Draw a shuffled sample of short and long texts, each share from its own data set."""
    rng = random.Random(seed)
    total = sum(SHARES.values())
    counts = {kind: n_texts * share // total for kind, share in SHARES.items()}
    counts["reviews"] += n_texts - sum(counts.values())
    texts: list[str] = []
    for kind, count in counts.items():
        pool = list(dict.fromkeys(READERS[kind](data_dir)))
        if count > len(pool):
            raise SystemExit(f"{count} texts of '{kind}' wanted, {data_dir} holds {len(pool)}")
        texts.extend(rng.sample(pool, count))
    rng.shuffle(texts)
    return texts


def long_text(data_dir: Path, *, n_words: int) -> str:
    """Join novels until there are `n_words` words between white space."""
    words: list[str] = []
    for path in _novels(data_dir):
        # Line ends stay: a real document has them, and they become white-space tokens.
        for line in path.read_text(encoding="utf8").splitlines(keepends=True):
            words.append(line)
            n_words -= len(line.split())
            if n_words <= 0:
                return "".join(words)
    raise SystemExit(f"the novels in {data_dir} are {n_words} words too short")


def tagged_sentences(path: Path) -> list[tuple[list[str], list[str]]]:
    """Read sentences of (words, BIO tags) from a file of two tab-separated columns."""
    sentences: list[tuple[list[str], list[str]]] = []
    # Some of the lines between sentences hold a tab.
    for block in re.split(r"\n(?:[ \t]*\n)+", path.read_text(encoding="utf8")):
        rows = [line.split("\t") for line in block.splitlines() if line.strip()]
        rows = [row for row in rows if row[0].strip()]
        if rows:
            words = [row[0] for row in rows]
            sentences.append((words, [row[1].split(",")[0].strip() for row in rows]))
    return sentences


def describe_texts(texts: list[str], *, n_pieces: int) -> dict[str, int | float]:
    """Say how much text there is; words are what stands between white space."""
    lengths = sorted(len(text.split()) for text in texts)
    return {
        "texts": len(texts),
        "words": sum(lengths),
        "pieces": n_pieces,
        "median_words": lengths[len(lengths) // 2],
        "longest_words": lengths[-1],
        "characters": sum(len(text) for text in texts),
    }


def _reviews(data_dir: Path) -> Iterator[str]:
    lines = (data_dir / "rotten_tomatoes" / "train.tsv").read_text(encoding="utf8").splitlines()
    for line in lines[1:]:
        yield line.rsplit("\t", 1)[0]


def _commands(data_dir: Path) -> Iterator[str]:
    with (data_dir / "snips" / "train.jsonl").open(encoding="utf8") as file:
        for line in file:
            yield json.loads(line)["text"]


def _posts(data_dir: Path) -> Iterator[str]:
    for words, _ in tagged_sentences(data_dir / "wnut17" / "wnut17train.conll"):
        yield " ".join(words)


def _encyclopedia(data_dir: Path) -> Iterator[str]:
    data = json.loads((data_dir / "squad_en" / "test.json").read_text(encoding="utf8"))
    for article in data["data"]:
        for paragraph in article["paragraphs"]:
            # A padded reference holds 512 pieces: longer texts would favour whoever splits them.
            if len(paragraph["context"].split()) <= PAGE_WORDS:
                yield paragraph["context"]


def _pages(data_dir: Path) -> Iterator[str]:
    for path in _novels(data_dir):
        words = path.read_text(encoding="utf8").split()
        # The first and last pages are title pages and notices.
        for start in range(4 * PAGE_WORDS, len(words) - 4 * PAGE_WORDS, PAGE_WORDS):
            yield " ".join(words[start : start + PAGE_WORDS])


def _novels(data_dir: Path) -> list[Path]:
    return sorted((data_dir / "gutenberg_en").glob("*.txt"))


READERS: dict[str, Callable[[Path], Iterator[str]]] = {
    "reviews": _reviews,
    "commands": _commands,
    "posts": _posts,
    "encyclopedia": _encyclopedia,
    "novel pages": _pages,
}
