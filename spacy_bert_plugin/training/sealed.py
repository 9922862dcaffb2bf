"""A state on disk that vouches for itself: JSON with a hash of its own and of the files beside it.

    STATE                {"seal": "...", "files": {"optimizer.safetensors": "..."}, ...}
    *.safetensors        tensors

Without it one changed bit of a moment or of a random state would change a run in silence.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..checkpoints.manifest import hash_file
from ..errors import CheckpointError, Errors
from .folders import explain_disk

STATE = "state.json"


def write_sealed(
    folder: Path, state: Mapping[str, Any], tensors: Mapping[str, Mapping[str, Tensor]]
) -> None:
    """Write a state and the tensors that belong to it.

    folder (Path): Exists.
    state (Mapping): JSON values.
    tensors (Mapping): By name of their file, then by their own.
    RAISES (CheckpointError): It could not be written.
    """
    with explain_disk(folder):
        for name, named in tensors.items():
            save_file(dict(named), folder / name)
        files = {name: hash_file(folder / name) for name in tensors}
        (folder / STATE).write_text(seal({**state, "files": files}), encoding="utf8")


def seal(state: Mapping[str, Any]) -> str:
    """Write a state as JSON with a hash of itself, in the place of one that it has."""
    # As it will be read: keys of JSON are strings, and sorted as such.
    body = json.loads(json.dumps({key: value for key, value in state.items() if key != "seal"}))
    return json.dumps({**body, "seal": _hash(body)})


def read_sealed(path: Path, *, known: int) -> dict[str, Any]:
    """Read a state.

    path (Path): The file.
    known (int): The format that the caller reads: the key "format".
    RETURNS (dict): What was written.
    RAISES (CheckpointError): It is missing, of another format, or not what was written.
    """
    try:
        data = json.loads(path.read_text(encoding="utf8"))
        found = data["format"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise refuse_state(path, f"{type(error).__name__}: {error}") from error
    if found != known:
        raise refuse_state(path, f"it has format {str(found)[:20]}, expected {known}")
    body = {key: value for key, value in data.items() if key != "seal"}
    if data.get("seal") != _hash(body):
        raise refuse_state(path, "its own hash does not fit, so a part of it has changed")
    return body


def read_tensors(folder: Path, name: str, files: Mapping[str, str]) -> dict[str, Tensor]:
    """Read the tensors of a state.

    folder (Path), name (str): Where they are.
    files (Mapping): The hashes of the state, under its key "files".
    RETURNS (dict): Tensors in memory of their own.
    RAISES (CheckpointError): They are not those that were written.
    """
    path = folder / name
    try:
        if hash_file(path) != files.get(name):
            raise refuse_state(path, "its hash is not the one that was saved")
        # A mapped file that somebody cuts off kills the process: so they are copied at once.
        return {key: tensor.clone() for key, tensor in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise refuse_state(path, f"{type(error).__name__}: {error}") from error


def refuse_state(path: Path, problem: str) -> CheckpointError:
    """Make the error that says why a run cannot go on."""
    return CheckpointError(Errors.SB426.format(path=path, problem=problem))


def _hash(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
