"""What annotation says about the categories of texts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from spacy.training import Example

from ..errors import DataError, Errors
from ..pieces import IntArray

MISSING = -1
# A label that never occurs, or hardly ever, would drown all others.
MOST_WEIGHT = 20.0


@dataclass
class LabelCounts:
    """How often labels are annotated.

    positive: Texts in which a label holds. In the order in which labels are met.
    negative: Texts in which a label is said not to hold.
    """

    positive: Counter[str] = field(default_factory=Counter)
    negative: Counter[str] = field(default_factory=Counter)

    @property
    def labels(self) -> list[str]:
        """All labels, in the order in which they were met."""
        return list(self.positive)


def count_labels(examples: Iterable[Example], *, name: str, exclusive: bool) -> LabelCounts:
    """Collect the labels of annotated texts.

    RAISES (DataError): A value is not 0.0 or 1.0, or exclusive labels are not.
    """
    counts = LabelCounts()
    for example in examples:
        cats = example.reference.cats
        check_categories(cats, name=name, exclusive=exclusive)
        for label, value in cats.items():
            counts.positive[label] += value == 1.0
            counts.negative[label] += value == 0.0
    return counts


def check_categories(cats: dict[str, Any], *, name: str, exclusive: bool) -> None:
    """RAISES (DataError): A value is not 0.0 or 1.0, or exclusive labels are not."""
    if any(value != 0.0 and value != 1.0 for value in cats.values()):
        raise DataError(Errors.SB382.format(name=name, got=cats))
    if exclusive and sum(cats.values()) > 1.0:
        raise DataError(Errors.SB383.format(name=name, got=cats))


def read_classes(examples: Sequence[Example], labels: Sequence[str]) -> IntArray:
    """Read the label of each text: its index, -1 where it is not known.

    Shape: (n_examples,), int64
    """
    index = {label: i for i, label in enumerate(labels)}
    found = np.full(len(examples), MISSING, dtype=np.int64)
    for row, example in enumerate(examples):
        for label, value in example.reference.cats.items():
            if value == 1.0:
                found[row] = index.get(label, MISSING)
    return found


def read_answers(examples: Sequence[Example], labels: Sequence[str]) -> npt.NDArray[np.float32]:
    """Read which labels hold: 1 or 0, NaN where the annotation does not say.

    Shape: (n_examples, n_labels)
    """
    index = {label: i for i, label in enumerate(labels)}
    found = np.full((len(examples), len(labels)), np.nan, dtype=np.float32)
    for row, example in enumerate(examples):
        for label, value in example.reference.cats.items():
            if label in index:
                found[row, index[label]] = value
    return found


def balance_weights(counts: LabelCounts, *, exclusive: bool) -> dict[str, float]:
    """Compute weights that let all labels count the same together, rare or not, within reason.

    Exclusive labels: n_texts / (n_labels * texts of the label). Otherwise texts without a label
    for each text with it.
    """
    labels = counts.labels
    total = sum(counts.positive.values())
    weights = {}
    for label in labels:
        n_positive = max(counts.positive[label], 1)
        share = total / len(labels) if exclusive else max(counts.negative[label], 1)
        weight = float(np.clip(share / n_positive, 1.0 / MOST_WEIGHT, MOST_WEIGHT))
        # As many digits as are saved for sure: a training that goes on later must be the same.
        weights[label] = round(weight, 6)
    return weights
