"""The state of a run after a step: a folder that is whole or is not there.

    resume/model/                  the pipeline with the weights as they are, not averaged
    resume/optimizer.safetensors   moments of all parameters
    resume/state.json              everything else, and a hash of these two

Safetensors and JSON only: nothing in it can run code.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language

from .environment import describe_environment, flatten_config
from .folders import explain_disk, replace_folder
from .moments import Moments
from .randomness import capture_random, reseed_cupy, restore_random
from .sealed import STATE, read_sealed, read_tensors, refuse_state, write_sealed

FORMAT = 1
MODEL, TENSORS = "model", "optimizer.safetensors"


@dataclass
class Progress:
    """How far a run has come.

    step (int): The last step that is done, counted from 0; -1 before the first.
    epoch (int): Its epoch.
    losses (dict): Sums by component since the last evaluation.
    results (list): Score and step of each evaluation.
    n_words (int): Tokens learned from.
    seconds (float): Time that the run has taken, interruptions left out.
    digest (str): Hash of the data so far.
    stream (dict): Where the random stream of the data began.
    guards (dict): What the guards have seen.
    """

    step: int = -1
    epoch: int = 0
    losses: dict[str, Any] = field(default_factory=dict)
    results: list[tuple[float, int]] = field(default_factory=list)
    n_words: int = 0
    seconds: float = 0.0
    digest: str = ""
    stream: dict[str, Any] = field(default_factory=dict)
    guards: dict[str, Any] = field(default_factory=dict)

    @property
    def best(self) -> tuple[float, int] | None:
        """Best score and its step; the earliest of equal ones."""
        return max(self.results, key=lambda pair: (pair[0], -pair[1]), default=None)


@dataclass(frozen=True)
class SavedState:
    """What `state.json` holds.

    progress (Progress): How far the run had come.
    environment (dict): Versions and device.
    config (dict): Values by dotted name.
    random (dict): States of the global generators.
    counters (dict): Counters of the optimizer.
    files (dict): Hashes of the files beside it.
    """

    progress: Progress
    environment: dict[str, str]
    config: dict[str, Any]
    random: dict[str, Any]
    counters: dict[str, Any]
    files: dict[str, str]


def save_state(path: Path, nlp: Language, moments: Moments, progress: Progress) -> None:
    """Replace the state of a run.

    path (Path): The folder `resume`.
    nlp (Language): The pipeline after the last step.
    moments (Moments): Of its optimizer.
    progress (Progress): How far the run has come.
    RAISES (CheckpointError): It could not be written. The state before is whole.
    """
    reseed_cupy(progress.step)
    tensors, counters = moments.collect()
    data = asdict(progress)
    data["losses"] = {name: _type_number(value) for name, value in progress.losses.items()}
    data["results"] = [(float(score), step) for score, step in progress.results]
    state = {
        "format": FORMAT,
        "progress": data,
        "environment": describe_environment(),
        "config": flatten_config(nlp.config),
        "random": capture_random(),
        "counters": counters,
    }
    with explain_disk(path), replace_folder(path) as staged:
        staged.mkdir()
        nlp.to_disk(staged / MODEL)
        write_sealed(staged, state, {TENSORS: tensors})


def read_state(path: Path) -> SavedState:
    """Read how far a run had come.

    path (Path): The folder `resume`.
    RAISES (CheckpointError): It is not one, of another version, or a byte of it has changed.
    """
    source = path / STATE
    data = read_sealed(source, known=FORMAT)
    try:
        progress = Progress(**data["progress"])
        progress.losses = {name: _make_number(*pair) for name, pair in progress.losses.items()}
        progress.results = [(score, step) for score, step in progress.results]
        keys = ("environment", "config", "random", "counters", "files")
        return SavedState(progress, *(data[key] for key in keys))
    except (ValueError, KeyError, TypeError) as error:
        raise refuse_state(source, f"{type(error).__name__}: {error}") from error


def restore_weights(path: Path, nlp: Language) -> None:
    """Load the weights of a run into the pipeline that its config makes.

    path (Path): The folder `resume`.
    nlp (Language): An initialised pipeline. Its config stays as it is.
    """
    nlp.from_disk(path / MODEL, exclude=["config"])


def restore_moments(path: Path, state: SavedState, moments: Moments) -> None:
    """Load the moments of a run into the optimizer that its config makes.

    path (Path): The folder `resume`.
    state (SavedState): What `read_state` gave.
    moments (Moments): Of the pipeline, after `restore_weights`.
    RAISES (CheckpointError): They do not fit the pipeline, or are not what was saved.
    """
    moments.restore(read_tensors(path, TENSORS, state.files), state.counters)


def restore_generators(state: SavedState) -> None:
    """Put the global random states back. Nothing may draw between this and the next step."""
    restore_random(state.random)
    reseed_cupy(state.progress.step)


def _type_number(value: Any) -> tuple[str, float]:
    """Keep the type of a number: sums go on in the precision that they began in."""
    value = value.get() if hasattr(value, "get") else value  # CuPy
    value = value.detach().cpu().numpy() if hasattr(value, "detach") else value
    name = str(value.dtype) if isinstance(value, np.generic | np.ndarray) else "float"
    return name, float(value)


def _make_number(name: str, value: float) -> Any:
    return value if name == "float" else np.dtype(name).type(value)
