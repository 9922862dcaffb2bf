"""Guards: a run stops when it cannot become good any more, before it has spoilt what was good."""

import math
from collections.abc import Mapping
from typing import Any

from spacy.language import Language
from thinc.api import Model

from ..errors import Errors, TrainingError
from .optimizer import DESTRUCTIVE_RATE

# A score under this share of the best one is a collapse, if the best was worth the name.
COLLAPSED_SHARE, WORTHY_SCORE, N_COLLAPSED = 0.1, 0.3, 2
# A loss of so many times the largest of the first steps, for so many steps in a row, diverges.
DIVERGED_FACTOR, N_FIRST, N_DIVERGED = 100.0, 10, 5
MAX_LOOKAHEAD = 100_000


class Guards:
    """Watches losses and scores. What it has seen goes into the state of the run.

    nlp (Language): Components that others listen to are left out of the comparison of losses:
        theirs is the size of a gradient, which begins at zero.
    state (Mapping): What `to_json` gave when the run was saved.
    """

    def __init__(self, nlp: Language, state: Mapping[str, Any] | None = None) -> None:
        state = state or {}
        self._shared = {
            name for name, pipe in nlp.pipeline if hasattr(pipe, "listening_components")
        }
        self._first: dict[str, list[float]] = {
            k: list(v) for k, v in state.get("first", {}).items()
        }
        self._high: dict[str, int] = dict(state.get("high", {}))
        self._low_scores: list[float] = list(state.get("low_scores", []))

    def to_json(self) -> dict[str, Any]:
        """What the guards have seen."""
        return {"first": self._first, "high": self._high, "low_scores": self._low_scores}

    @property
    def is_suspicious(self) -> bool:
        """Whether the model may be spoilt: it should replace nothing that is good."""
        return bool(self._low_scores) or any(self._high.values())

    def check_finite(self, losses: Mapping[str, Any]) -> None:
        """Check the losses of a batch, before the weights are moved.

        RAISES (TrainingError): One is NaN or infinite.
        """
        for name, value in losses.items():
            if not math.isfinite(float(value)):
                raise TrainingError(Errors.SB428.format(name=name, value=float(value)))

    def check_losses(self, losses: Mapping[str, float], *, n_words: int) -> None:
        """Compare the losses of a step with those of the first steps.

        losses (Mapping): Of this step alone.
        n_words (int): Tokens of its batch.
        RAISES (TrainingError): One has been far above them for several steps.
        """
        for name, loss in losses.items():
            if name in self._shared or loss <= 0.0:
                continue
            value = loss / max(n_words, 1)
            first = self._first.setdefault(name, [])
            if len(first) < N_FIRST:
                first.append(value)
                continue
            is_high = value > DIVERGED_FACTOR * max(first)
            self._high[name] = self._high.get(name, 0) + 1 if is_high else 0
            if self._high[name] >= N_DIVERGED:
                raise TrainingError(
                    Errors.SB431.format(
                        name=name,
                        factor=int(DIVERGED_FACTOR),
                        n_steps=N_DIVERGED,
                        value=value,
                        first=max(first),
                    )
                )

    def check_score(self, score: float, best: tuple[float, int]) -> None:
        """Compare a score with the best so far.

        score (float): Of this evaluation.
        best (tuple): The best score, and its step.
        RAISES (TrainingError): It is near zero, as the one before, after a good one.
        """
        if best[0] < WORTHY_SCORE or score >= COLLAPSED_SHARE * best[0]:
            self._low_scores = []
            return
        self._low_scores.append(float(score))
        if len(self._low_scores) >= N_COLLAPSED:
            before = self._low_scores[-2]
            raise TrainingError(
                Errors.SB430.format(score=score, before=before, best=best[0], best_step=best[1])
            )


def warn_of_rate(nlp: Language, optimizer: Any, *, n_steps: int) -> str:
    """Look for a learning rate that destroys encoders, before the first step.

    nlp (Language): The initialised pipeline.
    optimizer (Optimizer): A copy that may be used up: its schedules are run through.
    n_steps (int): Length of the training; 0 if it is not known.
    RETURNS (str): What to tell the user; empty if all is well.
    """
    if not any(_has_encoder(pipe) for _, pipe in nlp.pipeline):
        return ""
    rates = [float(optimizer.learn_rate)]
    if "learn_rate" in optimizer.schedules:
        for _ in range(min(n_steps or MAX_LOOKAHEAD, MAX_LOOKAHEAD)):
            optimizer.step_schedules()
            rates.append(float(optimizer.learn_rate))
    highest = max(rates)
    if highest <= DESTRUCTIVE_RATE:
        return ""
    return Errors.SB403.format(got=highest, limit=DESTRUCTIVE_RATE)


def _has_encoder(pipe: Any) -> bool:
    """Whether a component trains an encoder of ours: its shim says that it is no head."""
    model = getattr(pipe, "model", None)
    if not isinstance(model, Model):
        return False
    shims = [shim for node in model.walk() for shim in node.shims]
    return any(
        not getattr(shim, "is_head", True)
        and getattr(shim, "is_loaded", False)
        and getattr(shim, "freeze", 0) >= 0
        for shim in shims
    )
