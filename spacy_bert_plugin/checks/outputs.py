"""What a pipeline says about a Doc, in a form that can be compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from spacy.tokens import Doc


@dataclass(frozen=True)
class Reading:
    """Everything that components have written on a Doc.

    labels: Annotation that is equal or is not: tags, heads, entities, names of categories.
    numbers: Scores and vectors, by name.
    """

    labels: dict[str, Any]
    numbers: dict[str, np.ndarray] = field(default_factory=dict)


def read_doc(doc: Doc) -> Reading:
    """Read annotation, scores and vectors of a Doc."""
    tokens = [
        (t.text, t.tag_, t.pos_, t.lemma_, str(t.morph), t.dep_, t.head.i, t.ent_iob_, t.ent_type_)
        for t in doc
    ]
    spans = {k: [(s.start, s.end, s.label_) for s in group] for k, group in doc.spans.items()}
    starts = [t.is_sent_start for t in doc]
    labels = {"tokens": tokens, "spans": spans, "sentences": starts, "cats": sorted(doc.cats)}
    numbers = {"cats": np.array([doc.cats[name] for name in sorted(doc.cats)])}
    for key, group in doc.spans.items():
        scores = group.attrs.get("scores")
        if scores is not None:
            numbers[f"spans {key}"] = to_numpy(scores)
    vectors = get_vectors(doc)
    if vectors is not None:
        numbers["vectors"] = vectors
    mean = _get_mean(doc)
    if mean is not None:
        numbers["mean vector"] = mean
    return Reading(labels, numbers)


def get_vectors(doc: Doc) -> np.ndarray | None:
    """The vectors that an encoder has left on a Doc, or None.

    They are looked for where encoders of spaCy and of its plugins leave them: `doc.tensor`, and
    `doc._.trf_data` by token or by window.

    Shape: (n_tokens, width)
    """
    tensor = to_numpy(doc.tensor)
    if tensor.ndim == 2 and tensor.shape[1] and tensor.shape[0] == len(doc):
        return tensor
    data: Any = doc._.trf_data if Doc.has_extension("trf_data") and _has_data(doc) else None
    if hasattr(data, "last_hidden_layer_state"):
        state = data.last_hidden_layer_state
        return _average(to_numpy(state.dataXd), to_numpy(state.lengths))
    if hasattr(data, "align") and hasattr(data, "model_output"):
        return _pool_windows(data)
    return None


def _has_data(doc: Doc) -> bool:
    try:
        return doc._.trf_data is not None
    except ValueError:  # it was not kept
        return False


def _pool_windows(data: Any) -> np.ndarray | None:
    states = data.model_output.get("last_hidden_state")
    if states is None:
        return None
    states = to_numpy(states)
    rows = states.reshape(-1, states.shape[-1])[to_numpy(data.align.dataXd).reshape(-1)]
    return _average(rows, to_numpy(data.align.lengths))


def _average(rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Mean of each run of rows; zeros for empty runs. Shape: (n_runs, width)"""
    means = np.zeros((len(lengths), rows.shape[-1]), dtype="float64")
    np.add.at(means, np.repeat(np.arange(len(lengths)), lengths), rows)
    pooled: np.ndarray = means / np.maximum(lengths, 1)[:, None]
    return pooled


def _get_mean(doc: Doc) -> np.ndarray | None:
    try:
        vector = to_numpy(doc.vector)
    except ValueError:  # it was not kept
        return None
    return vector if vector.any() else None


def to_numpy(array: Any) -> np.ndarray:
    """Copy an array to the host."""
    copied: np.ndarray = np.array(array.get() if hasattr(array, "get") else array)
    return copied


def compare(got: Reading, expected: Reading, *, tolerance: float) -> str | None:
    """Say where two readings differ, or None.

    tolerance (float): For numbers, relative to the largest of them if that is above 1; 0: equal
        bit by bit.
    """
    for name, labels in expected.labels.items():
        if got.labels[name] != labels:
            return f"other {name}"
    for name, numbers in expected.numbers.items():
        other = got.numbers.get(name)
        if other is None or other.shape != numbers.shape:
            return f"{name} of shape {getattr(other, 'shape', None)} and not {numbers.shape}"
        if not numbers.size:
            continue
        if not np.isfinite(other).all():
            return f"{name} are not finite"
        difference = float(np.abs(other - numbers).max())
        if difference > tolerance * max(1.0, float(np.abs(numbers).max())):
            return f"{name} differ by {difference:.2g}"
    return None


def find_flaw(doc: Doc, text: str | None = None) -> str | None:
    """Say what is wrong with a Doc by itself, or None.

    Its text must be what went in, its numbers finite, and it must have one vector a token.
    """
    if text is not None and doc.text != text:
        return "the text has changed"
    reading = read_doc(doc)
    for name, numbers in reading.numbers.items():
        if not np.isfinite(numbers).all():
            return f"{name} are not finite"
    vectors = reading.numbers.get("vectors")
    if vectors is not None and len(vectors) != len(doc):
        return f"{len(vectors)} vectors for {len(doc)} tokens"
    return None


def find_blank(doc: Doc) -> str | None:
    """Say which token with letters in it has no vector, or None."""
    vectors = get_vectors(doc)
    if vectors is None:
        return None
    if len(vectors) != len(doc):
        return f"{len(vectors)} vectors for {len(doc)} tokens"
    for token, vector in zip(doc, vectors, strict=True):
        if any(char.isalnum() for char in token.text) and not vector.any():
            return f"token {token.i} ({len(token)} characters) has a vector of zeros"
    return None
