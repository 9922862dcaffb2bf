"""Docs in, spans out: what `bert_spancat` does with the scores of its model."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from spacy.tokens import Doc

from ..errors import Errors, ListenerError
from ..heads import ScoredSpans
from ..layers.head import HeadModel, HeadOutput, run_head
from ..pieces import IntArray

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class DocSpans:
    """What was found in one Doc.

    spans: Rows [start, end, label index], sorted.
        Shape: (n_spans, 3)
    confidences: Shape: (n_spans,)
    """

    spans: IntArray
    confidences: Floats


def find_spans(
    model: HeadModel, docs: Sequence[Doc], *, name: str, least: float, temperature: float = 1.0
) -> tuple[IntArray, Floats]:
    """Find all spans with a confidence of at least `least`, but for rounding.

    name: Of the component, for messages.
    temperature: What logits are divided by.
    RETURNS: Rows [start, end, label index], in tokens counted over all Docs, and their logits.
        Shape: (n_spans, 3), (n_spans,)
    RAISES (ListenerError): The `tok2vec` does not give one vector for each token.
    """
    output, _ = run_head(model, list(docs), False, min_logit=_to_logit(least) * temperature)
    check_rows(docs, output, name=name)
    scored: ScoredSpans = output.output
    return scored.spans.cpu().numpy(), scored.logits.float().cpu().numpy()


def to_confidences(logits: Floats, *, temperature: float) -> Floats:
    """Turn logits into confidences. Shape: (n,) -> (n,)"""
    # The sigmoid, written so that it does not overflow.
    confidences: Floats = np.exp(-np.logaddexp(0.0, -logits / np.float32(temperature)))
    return confidences


def check_rows(docs: Sequence[Doc], output: HeadOutput, *, name: str) -> None:
    """RAISES (ListenerError): The `tok2vec` has not given one vector for each token."""
    expected = [len(doc) for doc in docs]
    if output.lengths != expected:
        got = sum(output.lengths)
        raise ListenerError(Errors.SB373.format(name=name, got=got, expected=sum(expected)))


def _to_logit(share: float) -> float:
    if share <= 0.0:
        return -math.inf
    # A confidence of exactly 1.0 comes of logits beyond what fp32 can tell from infinity.
    return math.log(share / (1.0 - share)) if share < 1.0 else 0.0
