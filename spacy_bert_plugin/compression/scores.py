"""Scores of a task before and after, and the bound on what may be lost."""

from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from spacy.language import Language

from ..errors import Errors, SettingError
from ..training.corpora import build_corpus_v1

# Far below what a point is, far above what rounding does to a difference of scores.
_SLACK = 1e-9


def score_pipeline(nlp: Language, data: Path) -> dict[str, float]:
    """Score a pipeline as `spacy evaluate` does.

    data (Path): Annotated texts, in any format that `spacy-bert-plugin.Corpus.v1` reads.
    RETURNS (dict[str, float]): Every score that is one number, by spaCy's key.
    RAISES (DataError): The texts cannot be read.
    """
    scores: dict[str, Any] = nlp.evaluate(list(build_corpus_v1(data)(nlp)))
    return {key: float(value) for key, value in scores.items() if _is_score(key, value)}


def choose_metrics(
    nlp: Language, scores: Mapping[str, float], *, named: Sequence[str] = (), data: Path
) -> list[str]:
    """Choose the scores that must not drop.

    nlp (Language): Whose components say which scores count for them.
    scores (Mapping[str, float]): What `score_pipeline` gave.
    named (Sequence[str]): Those that are asked for; none: those that training would choose the
        best model by, as far as the data is annotated for them.
    data (Path): For messages.
    RAISES (SettingError): One that is named was not computed, or none can be chosen.
    """
    for name in named:
        if name not in scores:
            raise _refuse(name, scores, data)
    if named:
        return list(dict.fromkeys(named))
    weights: dict[str, float | None] = {}
    for name in nlp.pipe_names:
        weights.update(nlp.get_pipe_meta(name).default_score_weights)
    chosen = [key for key, weight in weights.items() if weight and key in scores]
    if not chosen:
        raise _refuse("a score", scores, data)
    return chosen


def check_scores(
    before: Mapping[str, float],
    after: Mapping[str, float],
    metrics: Sequence[str],
    *,
    bound: float,
    precision: str,
    data: Path,
) -> dict[str, tuple[float, float]]:
    """Check that no score drops by more than a bound.

    before, after (Mapping[str, float]): Scores between 0 and 1 by name.
    metrics (Sequence[str]): The scores that count.
    bound (float): In points: hundredths of a score.
    precision (str), data (Path): For messages.
    RETURNS (dict): The scores that count, before and after.
    RAISES (SettingError): One drops by more. The message names both values.
    """
    # A score that is not there any more counts as lost: nothing was found to compute it from.
    pairs = {name: (before[name], after.get(name, 0.0)) for name in metrics}
    losses = [
        f"{name} drops from {100 * left:.2f} to {100 * right:.2f}"
        for name, (left, right) in pairs.items()
        if not 100 * (left - right) <= bound + _SLACK
    ]
    if losses:
        message = Errors.SB733.format(
            losses=", ".join(losses), bound=bound, precision=precision, data=data
        )
        raise SettingError(message)
    return pairs


def _is_score(key: str, value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and key != "speed"


def _refuse(name: str, scores: Mapping[str, float], data: Path) -> SettingError:
    known = ", ".join(sorted(scores)) or "none that these components compute"
    return SettingError(Errors.SB734.format(metric=name, data=data, expected=known))
