"""How far two pipelines say the same of the same texts."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from .outputs import Outputs


@dataclass(frozen=True)
class Agreement:
    """What of one pipeline's outputs is that of another; None where one of them has no such thing.

    entities_f (float): F of entities by place and label. Symmetrical.
    cats_same (float): Share of texts whose most probable label is the same.
    cats_difference (float): Largest difference of a label's probability.
    tags_same (float): Share of tokens with the same fine-grained tag (F, where the two cut texts
        into other tokens).
    cosine (float): Mean cosine of `doc.vector`.
    """

    entities_f: float | None = None
    cats_same: float | None = None
    cats_difference: float | None = None
    tags_same: float | None = None
    cosine: float | None = None

    def to_json(self) -> dict[str, float | None]:
        """The numbers with six digits."""
        return {key: None if v is None else round(v, 6) for key, v in asdict(self).items()}


def compare_outputs(one: Outputs, other: Outputs) -> Agreement:
    """Hold the outputs of two pipelines for the same texts side by side."""
    pairs = list(zip(one.texts, other.texts, strict=True))
    cats = [(a.cats, b.cats) for a, b in pairs if a.cats.keys() & b.cats.keys()]
    differences = [abs(a[key] - b[key]) for a, b in cats for key in a.keys() & b.keys()]
    return Agreement(
        entities_f=_measure_overlap(one, other, "entities"),
        cats_same=_mean([_find_best(a) == _find_best(b) for a, b in cats]),
        cats_difference=max(differences, default=None),
        tags_same=_measure_overlap(one, other, "tags"),
        cosine=_compare_vectors(one, other),
    )


def _measure_overlap(one: Outputs, other: Outputs, what: str) -> float | None:
    """F of what one pipeline found against what the other found; 1.0 if both found nothing."""
    if not (getattr(one, f"has_{what}") and getattr(other, f"has_{what}")):
        return None
    found = [
        {(number, *row) for number, text in enumerate(o.texts) for row in getattr(text, what)}
        for o in (one, other)
    ]
    total = sum(map(len, found))
    return 2 * len(found[0] & found[1]) / total if total else 1.0


def _find_best(cats: dict[str, float]) -> str:
    # By name where probabilities are equal: the order of labels is no difference.
    return min(cats, key=lambda label: (-cats[label], label))


def _mean(values: list[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def _compare_vectors(one: Outputs, other: Outputs) -> float | None:
    if one.vectors is None or other.vectors is None or one.vectors.shape != other.vectors.shape:
        return None
    # In fp32 the cosine of a vector with itself is not quite 1.
    a, b = one.vectors.astype("float64"), other.vectors.astype("float64")
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    filled = norms > 0
    if not filled.any():
        return None
    return float(((a * b).sum(axis=1)[filled] / norms[filled]).mean())
