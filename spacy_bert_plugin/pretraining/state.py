"""The state of a pretraining run after a step: a folder that is whole or is not there.

    resume/weights.safetensors     encoder and heads, fp32
    resume/optimizer.safetensors   moments of all parameters
    resume/state.json              everything else, and hashes of all three

Safetensors and JSON only: nothing in it can run code. Text is not read again to go on: see
`stream.Place`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..errors import Errors, SettingError
from ..training.environment import describe_environment, flatten_config
from ..training.folders import explain_disk, replace_folder
from ..training.randomness import capture_random, restore_random
from ..training.sealed import STATE, read_sealed, read_tensors, refuse_state, write_sealed
from .model import PretrainingModel
from .stream import Place

FORMAT = 1
WEIGHTS, MOMENTS = "weights.safetensors", "optimizer.safetensors"
# How long a run is, and what it says: changes nothing of a step.
FREE = ("max_steps", "max_epochs", "eval_frequency", "eval_pieces", "save_every", "save_minutes")
N_SHOWN = 8


@dataclass
class Progress:
    """How far a run has come.

    step (int): Steps that are done.
    epoch, epoch_step (int): Where the next one is: see `Place`.
    n_pieces (int): Pieces learned from.
    seconds (float): Time that the run has taken, interruptions left out.
    sums (dict): Losses, questions, pieces and seconds since the last row of the log.
    best (list): Lowest held-out loss and its step; empty before the first.
    """

    step: int = 0
    epoch: int = 0
    epoch_step: int = 0
    n_pieces: int = 0
    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)
    best: list[float] = field(default_factory=list)

    @property
    def place(self) -> Place:
        """Where the stream goes on."""
        return Place(self.epoch, self.epoch_step)


@dataclass(frozen=True)
class SavedState:
    """What `state.json` holds, beside the progress: config, versions, random states, corpus."""

    progress: Progress
    config: dict[str, Any]
    environment: dict[str, str]
    random: dict[str, Any]
    digest: str
    files: dict[str, str]


def save_state(
    path: Path, model: PretrainingModel, optimizer: Any, progress: Progress, *, config: Any,
    digest: str,
) -> None:  # fmt: skip
    """Replace the state of a run.

    path: The folder `resume`.
    config: Of the run.
    digest: Of its corpus.
    """
    moments = {}
    stored = optimizer.torch_optimizer
    for name, param in model.named_parameters():
        for part, value in (stored.state.get(param, {}) if stored is not None else {}).items():
            moments[f"{part}/{name}"] = value.detach().cpu().contiguous()
    state = {
        "format": FORMAT,
        "progress": asdict(progress),
        "config": flatten_config(config),
        "environment": describe_environment(),
        "random": capture_random(),
        "digest": digest,
    }
    weights = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
    with explain_disk(path), replace_folder(path) as staged:
        staged.mkdir()
        write_sealed(staged, state, {WEIGHTS: weights, MOMENTS: moments})


def read_state(path: Path) -> SavedState:
    """Read the state of a run, without its weights.

    path: The folder `resume`.
    RAISES (CheckpointError): It is not one, or of another version.
    """
    source = path / STATE
    data = read_sealed(source, known=FORMAT)
    try:
        progress = Progress(**data["progress"])
        keys = ("config", "environment", "random", "digest", "files")
        return SavedState(progress, *(data[key] for key in keys))
    except (ValueError, KeyError, TypeError) as error:
        raise refuse_state(source, f"{type(error).__name__}: {error}") from error


def restore(path: Path, state: SavedState, model: PretrainingModel, optimizer: Any) -> None:
    """Put weights, moments and schedules back where they were.

    path: The folder `resume`.
    model: As the config makes it.
    optimizer: As the config makes it.
    RAISES (CheckpointError): The files do not fit the model.
    """
    try:
        weights, moments = (read_tensors(path, n, state.files) for n in (WEIGHTS, MOMENTS))
        model.load_state_dict(weights)
        params = dict(model.named_parameters())
        states: dict[torch.nn.Parameter, dict[str, torch.Tensor]] = {}
        for full_name, value in moments.items():
            part, _, name = full_name.partition("/")
            states.setdefault(params[name], {})[part] = value
    except (RuntimeError, KeyError) as error:
        raise refuse_state(path, f"{type(error).__name__}: {error}") from error
    optimizer.restore_torch(states)
    for _ in range(state.progress.step):
        optimizer.step_schedules()


def restore_generators(state: SavedState) -> None:
    """Put the global random states back. Nothing may draw between this and the next step."""
    restore_random(state.random)


def check_config(config: Any, before: Mapping[str, Any], *, path: Path) -> None:
    """Compare the config with that of the run that is to go on.

    config: Of now.
    before: What was saved.
    path: The run, for the message.
    RAISES (SettingError): A value differs that a step depends on.
    """
    free = tuple(f"pretraining.{name}" for name in FREE)
    now, gone = flatten_config(config), object()
    keys = [
        key
        for key in {**before, **now}
        if key not in free and not key.startswith("paths.")
        and before.get(key, gone) != now.get(key, gone)
    ]  # fmt: skip
    if keys:
        shown = [f"{k} ({before.get(k, 'none')} -> {now.get(k, 'none')})" for k in keys[:N_SHOWN]]
        if len(keys) > N_SHOWN:
            shown.append(f"and {len(keys) - N_SHOWN} more")
        raise SettingError(Errors.SB823.format(path=path, keys=", ".join(shown)))
