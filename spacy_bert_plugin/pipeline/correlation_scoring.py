"""`spacy-bert-plugin.correlation_scorer.v1`: how numbers in `doc.cats` follow the gold ones."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from spacy.training import Example

from ..heads.correlation import pearson, spearman
from .gold_numbers import find_targets

# Fewer have no correlation.
LEAST = 2


def build_correlation_scorer_v1() -> Callable[..., dict[str, Any]]:
    """Build a scorer of numbers in `doc.cats`; see `score_numbers`."""
    return score_numbers


def score_numbers(
    examples: Iterable[Example], *, labels: Sequence[str] | None = None, **settings: Any
) -> dict[str, Any]:
    """Compare predicted numbers with annotated ones, where there are both.

    labels (Sequence[str] | None): Names of the numbers; None: all that are annotated.
    RETURNS (dict): "regression_pearson" and "regression_spearman", from -1.0 to 1.0; their mean,
        "regression_score"; "regression_rmse", the root of the mean squared difference: means over
        the targets, each of which "regression_per_target" has as well. A correlation is 0.0 where
        all numbers are the same. None where fewer than two texts have numbers.
    """
    examples = list(examples)
    rows: dict[str, dict[str, float]] = {}
    for label in find_targets(examples) if labels is None else labels:
        pairs = [
            (example.predicted.cats[label], example.reference.cats[label])
            for example in examples
            if label in example.predicted.cats and label in example.reference.cats
        ]
        if len(pairs) >= LEAST:
            found, gold = np.array(pairs, dtype=np.float64).T
            rows[label] = _score_target(found, gold)
    names = ("pearson", "spearman", "rmse", "score")
    means = {name: _mean([row[name] for row in rows.values()]) for name in names}
    return {
        **{f"regression_{name}": mean for name, mean in means.items()},
        "regression_per_target": rows or None,
    }


def _score_target(found: Any, gold: Any) -> dict[str, float]:
    linear, ranked = (np.nan_to_num(f(found, gold)).item() for f in (pearson, spearman))
    rmse = float(np.sqrt(np.mean((found - gold) ** 2)))
    return {
        "pearson": linear,
        "spearman": ranked,
        "rmse": rmse,
        "score": (linear + ranked) / 2,
    }


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
