"""How far an exported model is from the pipeline that it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from spacy.tokens import Doc

from ...errors import CheckpointError, Errors, SettingError
from ...layers import run_encoder
from ...layers.token_classifier import read_features
from .feeding import BERT_NER
from .inputs import Floats
from .source import Source

# What is measured for each precision, which side of the bound is right, and the bound.
BOUNDS = {
    "fp32": ("max_difference", "at most", 1e-4),
    "int8": ("mean_cosine", "at least", 0.97),
}
SAMPLES = (
    "Ada Lovelace wrote to Charles Babbage in London on 10 July 1843.",
    "play some music by the band that sold 1,000,000 records",
    "A gripping, funny and sad film; not one of its 95 minutes is too long!",
    "Ok.",
    "Größe, 工学, naïveté and an e-mail to a.b@example.org   with   spaces\n",
    "What is the weather like in Berlin tomorrow at seven?",
)


def run_pipeline(source: Source, docs: Sequence[Doc]) -> Floats:
    """Run the encoder and the head of a pipeline, in fp32.

    Shape: (n_tokens, width), (n_tokens, n_tags) or (n_texts, n_labels).
    """
    pooled = [] if source.pooling == "tokens" else [source.pooling]
    with use_fp32(source.model), torch.inference_mode():
        encoded, prepared, _ = run_encoder(source.model, docs, is_train=False, pooled=pooled)
        rows = encoded.pooled[source.pooling] if pooled else encoded.tokens
        if source.pipe is not None:
            is_by_token = source.pooling in ("tokens", "first")
            counts = prepared.alignment.doc_tokens.tolist() if is_by_token else [1] * len(docs)
            inputs: dict[str, Any] = {}
            names = source.pipe.model.attrs.get("features")
            if source.kind == BERT_NER and names:
                inputs["features"] = read_features(docs, names).to(rows.device)
            rows = source.head(rows, lengths=counts, **inputs)
    found: Floats = rows.float().cpu().numpy()
    return found


@contextmanager
def use_fp32(model: Any) -> Iterator[None]:
    """Compute exactly, whatever the pipeline is set to."""
    settings = model.attrs["settings"]
    model.attrs["settings"] = replace(settings, precision="fp32")
    try:
        yield
    finally:
        model.attrs["settings"] = settings


def measure_agreement(got: Floats, expected: Floats) -> dict[str, float]:
    """Compare rows of outputs.

    Shape: got and expected (n, width).
    """
    norms = np.linalg.norm(got, axis=1) * np.linalg.norm(expected, axis=1)
    # A row without pieces is zero on both sides, and equal.
    filled = norms > 0
    if not filled.any():
        raise SettingError(Errors.SB722)
    cosines = (got * expected).sum(axis=1)[filled] / norms[filled]
    return {
        "rows": int(filled.sum()),
        "max_difference": float(np.abs(got - expected).max()),
        "mean_cosine": float(cosines.mean()),
        "min_cosine": float(cosines.min()),
        "same_best": float((got.argmax(axis=1) == expected.argmax(axis=1)).mean()),
    }


def check_agreement(found: dict[str, float], *, component: str, precision: str) -> None:
    """Check a measurement against the bound of its precision.

    RAISES (CheckpointError): It is beyond, or not a number.
    """
    measure, expected, bound = BOUNDS[precision]
    got = found[measure]
    is_right = got <= bound if expected == "at most" else got >= bound
    if not is_right:
        raise CheckpointError(
            Errors.SB716.format(
                component=component,
                measure=measure.replace("_", " "),
                got=got,
                expected=expected,
                bound=bound,
                precision=precision,
            )
        )
