"""One training of `quality.py`: what is asked for and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recipes import Recipe


@dataclass(frozen=True)
class Job:
    """What to train.

    data, system (str), seed (int): Which run it is.
    recipe (Recipe), overrides (dict): How to train.
    paths (dict): The `.spacy` file of each split.
    checkpoint (str): Folder of the encoder.
    n_steps, eval_every (int): Steps, and steps between evaluations on dev.
    folder (str): Where the job may write.
    """

    data: str
    system: str
    seed: int
    recipe: Recipe
    overrides: dict[str, Any]
    paths: dict[str, str]
    checkpoint: str
    n_steps: int
    eval_every: int
    folder: str

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Job:
        """The inverse of `dataclasses.asdict`."""
        return cls(**{**values, "recipe": Recipe(**values["recipe"])})


@dataclass(frozen=True)
class Outcome:
    """What came of it. Seconds of training are without evaluations and saving."""

    scores: dict[str, float]
    dev_score: float
    best_step: int
    curve: list[dict[str, float]]
    train_words: int
    train_seconds: float
    predict_words: int
    predict_seconds: float
