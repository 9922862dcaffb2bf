"""How far the token vectors of each system are from those of the padded reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from worker import Worker

from spacy_bert_plugin.cli.measure.system import read_json

# spacy-transformers gives a token context from 128 tokens, from 96 on twice: only shorter texts
# see the same context everywhere, so only they can be compared vector by vector.
COMPARABLE_TOKENS = 90
BATCH_SIZE = 64


class VectorSystem:
    """A pipeline that writes a vector for each token.

    settings (dict): `path`, `overrides`, `texts` (path of a JSON list).
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        import spacy

        self.texts = read_json(settings["texts"])
        self.nlp = spacy.load(settings["path"], config=settings["overrides"])

    def save_vectors(self, path: str) -> None:
        """One vector a token, by this system's own alignment."""
        from peers import save_vectors

        read = find_reader(self.nlp.pipe_names[0])
        docs = self.nlp.pipe(self.texts, batch_size=BATCH_SIZE)
        save_vectors([read(doc) for doc in docs], path)


def find_reader(encoder: str) -> Callable[[Any], np.ndarray]:
    """What reads the token vectors that an encoder has left on a Doc."""
    from peers import spacy_curated_vectors, spacy_transformers_vectors

    if encoder == "bert_transformer":
        return lambda doc: doc.tensor
    readers = {
        "transformer": spacy_transformers_vectors,
        "curated_transformer": spacy_curated_vectors,
    }
    return readers[encoder]


def compare_vectors(
    pipelines: dict[str, dict[str, Any]], reference: dict[str, Any], *, threads: int, folder: Path
) -> dict[str, dict[str, float]]:
    """Compare one pipeline after the other, each in a process of its own.

    pipelines (dict): Settings of `VectorSystem`, by name.
    reference (dict): Settings of `peers.PaddedReference`.
    """
    expected = _collect("peers:PaddedReference", reference, folder / "reference.npz", threads)
    return {
        name: measure_difference(
            _collect("vectors:VectorSystem", settings, folder / f"vectors-{n}.npz", threads),
            expected,
        )
        for n, (name, settings) in enumerate(pipelines.items())
    }


def _collect(target: str, settings: dict[str, Any], path: Path, threads: int) -> Any:
    log = path.with_suffix(".log")
    with Worker(target, settings=settings, threads=threads, log=log) as worker:
        worker.ask({"do": "save_vectors", "path": str(path)})
    return np.load(path)


def measure_difference(file: Any, reference: Any) -> dict[str, float]:
    """Largest difference over all tokens and over those of short texts, and the mean cosine."""
    lengths, vectors, expected = file["lengths"], file["vectors"], reference["vectors"]
    gaps = np.abs(vectors - expected).max(axis=1)
    short = np.repeat(lengths, lengths) <= COMPARABLE_TOKENS
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(expected, axis=1)
    filled = norms > 0
    cosines = (vectors * expected).sum(axis=1)[filled] / norms[filled]
    return {
        "tokens": len(gaps),
        "max_difference": float(gaps.max()),
        "max_difference_short_texts": float(gaps[short].max()),
        "share_within_1e-4_short_texts": float((gaps[short] <= 1e-4).mean()),
        "mean_cosine": float(cosines.mean()),
    }
