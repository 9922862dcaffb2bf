"""A folder of transformers: what it holds, and the tensors of its head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ...checkpoints.checkpoint import CONFIG, MAX_CONFIG
from ...checkpoints.files import CheckpointFiles, open_folder
from ...checkpoints.json_text import parse_json
from ...checkpoints.shards import open_weights
from ...errors import CheckpointError, Errors
from .layouts import ENCODER, FAMILIES, MASKED, TASKS, TEXTS, TOKENS, Family, HeadLayout

# Tensors of heads, whichever task they are for.
HEADS = (
    "classifier",
    "cls.",
    "discriminator_predictions.",
    "generator_",
    "head.",
    "lm_head.",
    "lm_predictions.",
    "pooler.dense.",
    "pre_classifier.",
    "predictions.",
    "qa_outputs.",
    "score.",
    "sop_classifier.",
    "vocab_",
)


@dataclass(frozen=True)
class HeadSource:
    """A folder that is about to become a pipeline.

    path: The folder.
    config: Its config.json, parsed. Nothing in it is trusted.
    task: TOKENS, TEXTS, MASKED or ENCODER.
    """

    path: Path
    config: Mapping[str, Any]
    task: str

    @property
    def model_type(self) -> str:
        """What config.json calls the architecture."""
        return str(self.config.get("model_type"))

    @property
    def family(self) -> Family:
        """How this architecture keeps heads. RAISES (CheckpointError): Nobody here knows."""
        if self.model_type not in FAMILIES:
            expected = ", ".join(FAMILIES)
            raise CheckpointError(
                Errors.SB745.format(source=self.path, got=self.model_type[:80], expected=expected)
            )
        return FAMILIES[self.model_type]

    @property
    def layout(self) -> HeadLayout:
        """The head of the task."""
        return self.family.layout(self.task)


def open_source(path: Path) -> HeadSource:
    """Find out what a folder is for.

    RAISES (CheckpointError): It is no checkpoint, or has a head for something else.
    """
    files = open_folder(path)
    where = files.where(CONFIG)
    config = parse_json(files.read_text(CONFIG, limit=MAX_CONFIG), source=where)
    names = config.get("architectures")
    names = names if isinstance(names, list) else []
    tasks = [_find_task(str(name)) for name in names]
    if len(tasks) != 1 or tasks[0] is None:
        expected = ", ".join(TASKS)
        got = ", ".join(str(name)[:80] for name in names) or "no architecture"
        raise CheckpointError(Errors.SB744.format(source=where, got=got, expected=expected))
    return HeadSource(path, config, tasks[0])


def _find_task(name: str) -> str | None:
    """The task of a class of transformers, None for one that is not known."""
    if name.endswith("HeadModel"):
        return None
    return next((task for end, task in TASKS.items() if name.endswith(end)), None)


def read_head(source: HeadSource, *, width: int) -> dict[str, Tensor]:
    """Read the tensors of a head, under the names of our modules.

    width: Width of the encoder.
    RETURNS: "output.weight", "hidden.weight", "hidden.norm.weight" and so on, float32.
    RAISES (CheckpointError): A tensor is missing or misshapen, or there is another head as well.
    """
    layout = source.layout
    modules = {layout.output: "output", layout.hidden: "hidden", layout.norm: "hidden.norm"}
    modules.pop("", None)
    return _read(open_folder(source.path), modules, width=width)


def _read(files: CheckpointFiles, modules: dict[str, str], *, width: int) -> dict[str, Tensor]:
    with open_weights(files) as weights:
        found: dict[str, str] = {}
        others = []
        for name in weights.entries:
            module, _, kind = name.rpartition(".")
            if module in modules:
                found[name] = f"{modules[module]}.{kind}"
            elif name.startswith(HEADS):
                others.append(name)
        missing = [f"{module}.weight" for module in modules if f"{module}.weight" not in found]
        if missing:
            raise CheckpointError(
                Errors.SB746.format(source=weights.source, names=", ".join(missing))
            )
        if others:
            names, expected = ", ".join(others[:6]), ", ".join(modules)
            raise CheckpointError(
                Errors.SB747.format(source=weights.source, names=names, expected=expected)
            )
        tensors = {found[name]: tensor for name, tensor in weights.read(found)}
        theirs = {ours: name for name, ours in found.items()}
        _check_shapes(tensors, theirs, width=width, source=weights.source)
    return tensors


def _check_shapes(
    tensors: Mapping[str, Tensor], theirs: Mapping[str, str], *, width: int, source: str
) -> None:
    n_outputs = len(tensors["output.weight"])
    expected: dict[str, tuple[int, ...]] = {
        "output.weight": (n_outputs, width),
        "output.bias": (n_outputs,),
        "hidden.weight": (width, width),
    }
    for name, tensor in tensors.items():
        shape = expected.get(name, (width,))
        if tuple(tensor.shape) != shape:
            got = tuple(tensor.shape)
            raise CheckpointError(
                Errors.SB748.format(source=source, name=theirs[name], got=got, expected=shape)
            )


__all__ = ["ENCODER", "MASKED", "TEXTS", "TOKENS", "HeadSource", "open_source", "read_head"]
