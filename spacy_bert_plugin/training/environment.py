"""What has to be the same for a run to go on: config, versions, device."""

import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from thinc.api import CupyOps, get_current_ops

from ..about import __version__
from ..errors import Errors, SettingError

PACKAGES = ("spacy", "thinc", "torch", "numpy", "tokenizers", "transformers")
# How long a run is, and what it says: changes nothing of a step. `paths` and `system` count where
# they are used.
FREE = ("training.max_steps", "training.patience", "training.eval_frequency")
FREE_SECTIONS = ("paths.", "system.", "training.logger.", "training.gpu_allocator")
STREAMED = "training.max_epochs"
N_SHOWN = 8


def describe_environment() -> dict[str, str]:
    """List what results depend on in their last digits."""
    found = {"spacy-bert-plugin": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    found["machine"] = platform.machine()
    found["threads"] = str(torch.get_num_threads())
    is_gpu = isinstance(get_current_ops(), CupyOps) and torch.cuda.is_available()
    found["device"] = torch.cuda.get_device_name() if is_gpu else "cpu"
    return found


def compare_environment(before: Mapping[str, str]) -> str:
    """Name what is not as it was. Empty where nothing is."""
    now = describe_environment()
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return ", ".join(f"{n} {before.get(n, 'none')} -> {now.get(n, 'none')}" for n in names)


def flatten_config(config: Any) -> dict[str, Any]:
    """Give every value of a config its dotted name.

    config (Config): The config of a pipeline, filled in.
    RETURNS (dict): JSON values.
    """
    found: dict[str, Any] = {}
    _flatten(config.interpolate(), "", found)
    return found


def check_config(config: Any, before: Mapping[str, Any], *, path: Path) -> None:
    """Compare the config with that of the run that is to go on.

    config (Config): The config of the pipeline now.
    before (Mapping): What `flatten_config` gave then.
    path (Path): The run, for the message.
    RAISES (SettingError): A value differs that a step depends on.
    """
    old, new = _keep_binding(before), _keep_binding(flatten_config(config))
    gone = object()
    keys = [k for k in {**old, **new} if old.get(k, gone) != new.get(k, gone)]
    if not keys:
        return
    parts = [f"{key} ({_show(old, key)} -> {_show(new, key)})" for key in keys[:N_SHOWN]]
    if len(keys) > N_SHOWN:
        parts.append(f"and {len(keys) - N_SHOWN} more")
    raise SettingError(Errors.SB424.format(path=path, keys=", ".join(parts)))


def _flatten(value: Any, name: str, found: dict[str, Any]) -> None:
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            _flatten(part, f"{name}.{key}" if name else str(key), found)
    elif isinstance(value, list | tuple):
        found[name] = [
            part if isinstance(part, int | float | None) else str(part) for part in value
        ]
    elif isinstance(value, str | int | float | None):
        found[name] = value
    else:
        found[name] = {} if isinstance(value, Mapping) else str(value)


def _keep_binding(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in values.items() if k not in FREE and not k.startswith(FREE_SECTIONS)}
    if STREAMED in kept:
        # The number of epochs is free; whether the data is held or streamed decides its order.
        kept[STREAMED] = kept[STREAMED] < 0
    return kept


def _show(values: Mapping[str, Any], key: str) -> str:
    text = repr(values[key]) if key in values else "not there"
    return text if len(text) <= 60 else f"{text[:57]}..."
