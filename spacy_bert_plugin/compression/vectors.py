"""How much alike the vectors of two pipelines are, token by token."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch

from ..layers import EncoderModel, run_encoder
from .encoders import find_encoders

BATCH_SIZE = 64
LOW = 1


@dataclass(frozen=True)
class Likeness:
    """Cosines of the vectors of tokens.

    mean: Over all tokens.
    low: What one token in a hundred is below.
    """

    mean: float
    low: float


def compare_vectors(first: Language, second: Language, texts: Sequence[str]) -> Likeness | None:
    """Encode texts with two pipelines and compare the vectors of their tokens.

    first, second (Language): Of the same tokenizer and components.
    texts (Sequence[str]): Any texts.
    RETURNS (Likeness | None): Over all encoders that both have; None without one, or without a
        token that has pieces.
    """
    ours, theirs = find_encoders(first), find_encoders(second)
    parts = [
        measure_cosines(_encode(ours[name], docs), _encode(theirs[name], docs))
        for name in ours
        if name in theirs
        for docs in minibatch(map(first.make_doc, texts), size=BATCH_SIZE)
    ]
    cosines = np.concatenate(parts) if parts else np.zeros(0)
    if not cosines.size:
        return None
    return Likeness(float(cosines.mean()), float(np.percentile(cosines, LOW)))


def measure_cosines(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Cosine of each pair of rows. Rows of zeros on both sides are left out, on one side give 0.

    Shape: (n, width) twice -> (at most n,)
    """
    a, b = one.astype(np.float64), other.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosines: npt.NDArray[np.float64] = (a * b).sum(axis=1) / np.where(norms > 0, norms, 1.0)
    return cosines[a.any(axis=1) | b.any(axis=1)]


def _encode(encoder: EncoderModel, docs: list[Doc]) -> npt.NDArray[Any]:
    encoded, _, _ = run_encoder(encoder, docs, is_train=False)
    vectors: npt.NDArray[Any] = encoded.tokens.float().cpu().numpy()
    return vectors
