"""Annotated spans of Examples as rows of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from spacy.attrs import ORTH
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..errors import Errors
from ..pieces import IntArray

N_SAMPLES = 10


@dataclass
class LeftOut:
    """Annotated spans that cannot be learned from.

    n_misaligned: Spans that do not begin and end where tokens of the pipeline do.
    n_long: Spans of too many tokens.
    longest: Tokens of the longest of them.
    labels: Labels that the head does not have, with the number of spans of each.
    """

    n_misaligned: int = 0
    n_long: int = 0
    longest: int = 0
    labels: Counter[str] = field(default_factory=Counter)

    def add(self, other: LeftOut) -> None:
        """Count in what was left out elsewhere."""
        self.n_misaligned += other.n_misaligned
        self.n_long += other.n_long
        self.longest = max(self.longest, other.longest)
        self.labels += other.labels

    def describe(
        self, *, name: str, key: str, max_length: int, labels: Sequence[str]
    ) -> dict[str, str]:
        """Messages about what was left out, by kind; nothing where nothing was.

        labels: Labels that the head has.
        """
        messages = {}
        if self.n_misaligned:
            messages["misaligned"] = Errors.SB370.format(n_spans=self.n_misaligned, key=key)
        if self.n_long:
            counts = {"n_spans": self.n_long, "longest": self.longest}
            messages["long"] = Errors.SB371.format(
                name=name, key=key, max_length=max_length, **counts
            )
        unknown = sorted(set(self.labels) - set(labels))
        if unknown:
            messages["labels"] = Errors.SB372.format(
                name=name, labels=", ".join(unknown), known=", ".join(labels)
            )
        return messages


@dataclass(frozen=True)
class GoldSpans:
    """Annotated spans of a batch.

    spans: Rows [start, end, label index]; tokens are counted over all Docs.
        Shape: (n_spans, 3), int64
    is_known: False for the tokens of Docs without annotation.
        Shape: (n_tokens,), bool
    left_out: What is missing from `spans`.
    """

    spans: IntArray
    is_known: npt.NDArray[np.bool_]
    left_out: LeftOut


def read_spans(
    examples: Sequence[Example], key: str, labels: Sequence[str], *, max_length: int
) -> GoldSpans:
    """Read the annotated spans of a batch in the tokens of its predicted Docs.

    A Doc without `doc.spans[key]` has no annotation; one with an empty group has no spans.

    key: Key of the span group.
    labels: Labels that are known, in order.
    max_length: Most tokens of a span.
    """
    index_of = {label: index for index, label in enumerate(labels)}
    left_out = LeftOut()
    rows: list[tuple[int, int, int]] = []
    n_tokens = [len(example.predicted) for example in examples]
    is_annotated = [key in example.reference.spans for example in examples]
    offset = 0
    for example, has_spans, n in zip(examples, is_annotated, n_tokens, strict=True):
        for span in _align(example, key, left_out) if has_spans else ():
            length, label = span.end - span.start, index_of.get(span.label_)
            if length > max_length:
                left_out.n_long += 1
                left_out.longest = max(left_out.longest, length)
            elif label is None:
                left_out.labels[span.label_] += 1
            else:
                rows.append((offset + span.start, offset + span.end, label))
        offset += n
    spans = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return GoldSpans(spans, np.repeat(np.array(is_annotated, dtype=bool), n_tokens), left_out)


@dataclass(frozen=True)
class Survey:
    """What the Examples that a head is initialised with are like.

    labels: Labels of all annotated spans, sorted.
    left_out: Spans that cannot be learned from; every label counts as unknown.
    samples: A few annotated Docs.
    """

    labels: list[str]
    left_out: LeftOut
    samples: list[Doc]


def survey_spans(examples: Iterable[Example], key: str, *, max_length: int) -> Survey:
    """Look through the annotated spans of Examples once."""
    labels: set[str] = set()
    samples: list[Doc] = []
    left_out = LeftOut()
    for example in examples:
        left_out.add(read_spans([example], key, (), max_length=max_length).left_out)
        labels |= {span.label_ for span in example.reference.spans.get(key, ())}
        if len(samples) < N_SAMPLES:
            samples.append(example.reference)
    return Survey(sorted(labels), left_out, samples)


def _align(example: Example, key: str, left_out: LeftOut) -> list[Span]:
    """Annotated spans in the tokens of the predicted Doc."""
    annotated = list(example.reference.spans[key])
    if has_same_tokens(example):
        aligned = [span for span in annotated if len(span)]
    else:
        aligned = example.get_aligned_spans_y2x(annotated, allow_overlap=True)
    left_out.n_misaligned += len(annotated) - len(aligned)
    return aligned


def has_same_tokens(example: Example) -> bool:
    one, other = example.predicted, example.reference
    return len(one) == len(other) and np.array_equal(one.to_array(ORTH), other.to_array(ORTH))
