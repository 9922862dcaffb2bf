"""F scores of categories as spaCy computes them, with a threshold for each label."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example

# Thresholds at the very ends would leave no room for scores on one side.
EDGE = 1e-6


def score_texts(
    examples: Iterable[Example],
    *,
    labels: Sequence[str],
    exclusive: bool,
    positive_label: str | None,
    thresholds: dict[str, float],
    **settings: Any,
) -> dict[str, Any]:
    """Score `doc.cats` as spaCy's textcat or textcat_multilabel does.

    exclusive (bool): Whether exactly one label holds; then the best one is compared.
    positive_label (str | None): Of two exclusive labels the one whose F score counts.
    thresholds (dict): Score from which on each label holds, where they are not exclusive.
    settings: As in `Scorer.score_cats`; `threshold` takes the place of `thresholds`.
    """
    options: dict[str, Any] = {"labels": labels, "multi_label": not exclusive}
    if exclusive:
        options["positive_label"] = positive_label
    elif settings.get("threshold") is None:
        options["getter"] = partial(read_scaled_cats, thresholds=thresholds)
        options["threshold"] = 0.5
    scores: dict[str, Any] = Scorer.score_cats(examples, "cats", **{**settings, **options})
    return scores


def read_scaled_cats(doc: Doc, attr: str, *, thresholds: dict[str, float]) -> dict[str, float]:
    """Read scores, moved so that each label holds from 0.5 on: spaCy knows one threshold only.

    The order of scores is kept, and 0.0 and 1.0 (annotation) stay what they are.
    """
    return {
        label: scale_score(score, threshold=thresholds.get(label, 0.5))
        for label, score in getattr(doc, attr).items()
    }


def scale_score(score: float, *, threshold: float) -> float:
    """Map 0.0, threshold and 1.0 to 0.0, 0.5 and 1.0, with straight lines between them."""
    cut = min(max(threshold, EDGE), 1.0 - EDGE)
    return 0.5 + 0.5 * (score - cut) / (1.0 - cut) if score >= cut else 0.5 * score / cut
