"""What the scores of categories mean: probabilities over a temperature, and how right they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .calibration import MISSING, expected_calibration_error, fit_temperature

Floats = npt.NDArray[np.float32]
Gold = npt.NDArray[Any]


def to_probabilities(logits: Tensor, *, temperature: float, exclusive: bool) -> Floats:
    """Turn scores of categories into probabilities, on the host.

    exclusive: Whether exactly one category holds (softmax) or any number of them (sigmoid).
    Shape: (n_texts, n_labels)
    """
    scores = logits.detach().float() / temperature
    scores = scores.softmax(1) if exclusive else scores.sigmoid()
    array: Floats = scores.cpu().numpy()
    return array


def select_annotated(logits: Tensor, gold: Gold, *, exclusive: bool) -> tuple[Tensor, Gold]:
    """Keep the texts of which something is known.

    gold: Index of the category, -1 where it is not known; or 0, 1 and NaN for each category.
    Shape: logits (n_texts, n_labels); gold (n_texts,) or (n_texts, n_labels).
    """
    is_known = gold != MISSING if exclusive else ~np.isnan(gold).all(1)
    return logits[torch.from_numpy(np.asarray(is_known, dtype=bool))], gold[is_known]


def measure_text_error(logits: Tensor, gold: Gold, *, temperature: float, exclusive: bool) -> float:
    """Compute the expected calibration error of annotated texts.

    That of the best category where exactly one holds, else of every known yes or no.

    Shape: logits (n_texts, n_labels); gold (n_texts,) or (n_texts, n_labels).
    """
    scores = to_probabilities(logits, temperature=temperature, exclusive=exclusive)
    if exclusive:
        return expected_calibration_error(scores.max(1), scores.argmax(1) == gold)
    is_known = ~np.isnan(gold)
    return expected_calibration_error(scores[is_known], gold[is_known] == 1.0)


def fit_text_temperature(
    logits: Tensor, gold: Gold, *, temperature: float, exclusive: bool
) -> dict[str, float]:
    """Fit the temperature to annotated texts.

    temperature: The one used so far, for comparison.
    RETURNS: "temperature", "ece_before" and "ece_after"; nothing if nothing is annotated.
    Shape: logits (n_texts, n_labels); gold (n_texts,) or (n_texts, n_labels).
    """
    logits, gold = select_annotated(logits, gold, exclusive=exclusive)
    if not len(logits):
        return {}
    fitted = fit_temperature(logits, gold, kind="softmax" if exclusive else "sigmoid")
    before, after = (
        measure_text_error(logits, gold, temperature=value, exclusive=exclusive)
        for value in (temperature, fitted)
    )
    return {"temperature": fitted, "ece_before": before, "ece_after": after}
