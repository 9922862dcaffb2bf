"""Between spaCy Docs and the bare loop: Docs to pieces and targets, scores back to Docs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from bare import IGNORE, MAX_PIECES, BareModel, Text, autocast, collate, fill_batches

PREDICT_WORDS = 4000


class TextMaker:
    """Turns Examples into texts for the loop.

    tokenizer: Of transformers, fast.
    entity_labels, labels (Sequence[str]): Of entities and of texts; empty: not learnt.
    is_multilabel (bool): Whether a text can have several labels.
    """

    def __init__(
        self,
        tokenizer: Any,
        *,
        entity_labels: Sequence[str],
        labels: Sequence[str],
        is_multilabel: bool,
    ) -> None:
        self.tokenizer = tokenizer
        self.tags = bio_tags(entity_labels)
        self.numbers = {tag: number for number, tag in enumerate(self.tags)}
        self.labels = list(labels)
        self.is_multilabel = is_multilabel

    def make_pairs(self, examples: Sequence[Any]) -> list[Text]:
        """All pairs of texts in pieces, of which nothing but the label is learnt."""
        sides = zip(
            *([span.text for span in example.predicted.spans["pair"]] for example in examples),
            strict=True,
        )
        encoded = self.tokenizer(
            *map(list, sides),
            truncation="longest_first",
            max_length=MAX_PIECES,
            return_token_type_ids=True,
        )
        return [
            Text(
                encoded["input_ids"][row],
                [],
                [],
                self._target(example.reference.cats),
                len(example.predicted),
                encoded["token_type_ids"][row],
            )
            for row, example in enumerate(examples)
        ]

    def make(self, examples: Sequence[Any]) -> list[Text]:
        """All texts in pieces."""
        words = [[token.text for token in example.predicted] for example in examples]
        encoded = self.tokenizer(
            words, is_split_into_words=True, truncation=True, max_length=MAX_PIECES
        )
        return [
            Text(
                encoded["input_ids"][row],
                first_pieces(encoded.word_ids(row), len(example.predicted)),
                self._tags(example),
                self._target(example.reference.cats),
                len(example.predicted),
            )
            for row, example in enumerate(examples)
        ]

    def _tags(self, example: Any) -> list[int]:
        if not self.tags:
            return [IGNORE] * len(example.predicted)
        return [self.numbers.get(to_bio(tag), IGNORE) for tag in example.get_aligned_ner()]

    def _target(self, cats: dict[str, float]) -> torch.Tensor | None:
        if not self.labels:
            return None
        row = torch.tensor([float(cats.get(label, 0.0)) for label in self.labels])
        return row if self.is_multilabel else row.argmax()


@torch.inference_mode()
def predict(
    model: BareModel,
    examples: Sequence[Any],
    texts: Sequence[Text],
    maker: TextMaker,
    *,
    bf16: bool,
) -> None:
    """Write entities, their confidence and categories into the predicted Docs."""
    model.eval()
    rows = sorted(range(len(texts)), key=lambda row: len(texts[row].ids))
    words = [text.n_words for text in texts]
    for batch in fill_batches(rows, words, batch_words=PREDICT_WORDS):
        chosen = [texts[row] for row in batch]
        with autocast("cpu", is_bf16=bf16):
            tags, labels = model(collate(chosen, pad_id=maker.tokenizer.pad_token_id))
        if tags is not None:
            probabilities = tags.float().softmax(-1).numpy()
            for place, row in enumerate(batch):
                write_entities(
                    examples[row].predicted, texts[row], probabilities[place], tags=maker.tags
                )
        if labels is not None:
            scores = labels.float()
            scores = scores.sigmoid() if maker.is_multilabel else scores.softmax(-1)
            for row, values in zip(batch, scores.tolist(), strict=True):
                examples[row].predicted.cats = dict(zip(maker.labels, values, strict=True))


def write_entities(doc: Any, text: Text, probabilities: np.ndarray, *, tags: Sequence[str]) -> None:
    """Set `doc.ents`, each with the probability of its least certain word.

    Shape: probabilities: (n_pieces, n_tags) at least.
    """
    from spacy.tokens import Span

    best = probabilities.argmax(-1)
    names = [tags[best[piece]] if piece >= 0 else "O" for piece in text.first_pieces]
    spans = []
    for start, end, label in decode_bio(names):
        pieces = [piece for piece in text.first_pieces[start:end] if piece >= 0]
        span = Span(doc, start, end, label=label)
        span._.confidence = float(probabilities[pieces].max(-1).min())
        spans.append(span)
    doc.set_ents(spans)


def bio_tags(labels: Sequence[str]) -> list[str]:
    """O, and B and I of each label; nothing without labels."""
    if not labels:
        return []
    return ["O", *(f"{prefix}-{label}" for label in labels for prefix in "BI")]


def to_bio(tag: str | None) -> str | None:
    """A BILUO tag as BIO; None (and `-`) where it is not known."""
    if tag is None or tag == "-":
        return None
    return tag.replace("U-", "B-", 1) if tag[0] == "U" else tag.replace("L-", "I-", 1)


def decode_bio(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Entities as (start, end, label); an I without its B begins one, as conlleval has it."""
    entities: list[tuple[int, int, str]] = []
    start, label = 0, ""
    for place, (before, tag) in enumerate(pairwise(["O", *tags, "O"])):
        goes_on = tag[:2] == "I-" and before != "O" and before[2:] == tag[2:]
        if label and not goes_on:
            entities.append((start, place, label))
            label = ""
        if tag != "O" and not goes_on:
            start, label = place, tag[2:]
    return entities


def first_pieces(word_ids: Sequence[int | None], n_words: int) -> list[int]:
    """Row of each word's first piece; -1 where it has none (white space, cut off)."""
    rows = [-1] * n_words
    for row, word in enumerate(word_ids):
        if word is not None and rows[word] < 0:
            rows[word] = row
    return rows


def find_entity_labels(examples: Sequence[Any]) -> list[str]:
    """Labels of entities in the gold, sorted."""
    return sorted({span.label_ for example in examples for span in example.reference.ents})


def find_text_labels(examples: Sequence[Any]) -> list[str]:
    """Labels of texts in the gold, sorted."""
    return sorted({label for example in examples for label in example.reference.cats})
