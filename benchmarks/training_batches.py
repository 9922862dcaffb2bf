"""Batches of sentences for `training.py`."""

from __future__ import annotations

import random
from collections.abc import Iterator

# Words, and their tags.
SentenceT = tuple[list[str], list[str]]


def join_sentences(sentences: list[SentenceT], *, doc_words: int) -> Iterator[SentenceT]:
    """Join sentences to Docs of at least so many words; 0: leave them alone."""
    words: list[str] = []
    tags: list[str] = []
    for more_words, more_tags in sentences:
        words, tags = [*words, *more_words], [*tags, *more_tags]
        if len(words) >= doc_words:
            yield words, tags
            words, tags = [], []
    if words:
        yield words, tags


def cut_batches(
    docs: list[SentenceT], *, batch_words: int, buffer: int, rng: random.Random
) -> list[list[SentenceT]]:
    """Full batches of a shuffled epoch, sorted by length within a buffer, in random order."""
    order = list(docs)
    rng.shuffle(order)
    batches: list[list[SentenceT]] = []
    for start in range(0, len(order), buffer):
        batch: list[SentenceT] = []
        for doc in sorted(order[start : start + buffer], key=lambda doc: len(doc[0])):
            batch.append(doc)
            if sum(len(words) for words, _ in batch) >= batch_words:
                batches.append(batch)
                batch = []
    rng.shuffle(batches)
    return batches
