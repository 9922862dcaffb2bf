"""A whole config: theirs -> ours, with a note of every change."""

from collections.abc import Iterator
from typing import Any

from ...errors import Errors, SettingError
from .changes import Changes, is_theirs
from .encoder_config import convert_encoder, is_encoder
from .listener_config import LISTENERS, convert_inline, convert_listener, is_inline

UNFREEZING = "spacy-curated-transformers.gradual_transformer_unfreezing.v1"


def convert_config(config: dict[str, Any], changes: Changes, *, is_trained: bool) -> str | None:
    """Convert a config in place.

    config (dict): With its variables as they are written.
    changes (Changes): Where to note what was done.
    is_trained (bool): Whether there are weights which the result has to fit.
    RETURNS (str | None): Name of the shared encoder, if there is one.
    RAISES (SettingError): Something in it has no counterpart. The message names it.
    """
    components = config.get("components") or {}
    name = _find_encoder(components)
    n_parts = 0
    if name is not None:
        initialize = config.get("initialize") or {}
        loaders = (initialize.get("components") or {}).pop(name, None)
        components[name] = convert_encoder(
            name, components[name], loaders, changes, is_trained=is_trained
        )
        if loaders:
            section, why = f"initialize.components.{name}", "model.name says what to load"
            changes.add(section, ", ".join(loaders), "", why)
    for section, parent, key in list(iter_blocks(config)):
        block = parent[key]
        kind = block.get("@architectures")
        if kind in LISTENERS:
            _check_upstream(section, block, name, components)
            parent[key] = convert_listener(section, block, changes, is_trained=is_trained)
        elif is_inline(kind):
            parent[key] = convert_inline(section, block, changes, is_trained=is_trained)
        n_parts += kind in LISTENERS or is_inline(kind)
    _drop_unfreezing(config, changes)
    if name is None and not n_parts:
        raise SettingError(Errors.SB769.format(got=", ".join(components) or "no components"))
    left = [f"{section}: {value}" for section, value in iter_names(config) if is_theirs(value)]
    if left:
        raise SettingError(Errors.SB770.format(got="; ".join(left)))
    return name


def iter_blocks(
    config: dict[str, Any], section: str = ""
) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Walk through all blocks. YIELDS: Section of a block, its parent, its key in the parent."""
    for key, value in config.items():
        if isinstance(value, dict):
            here = f"{section}.{key}".lstrip(".")
            yield here, config, key
            yield from iter_blocks(value, here)


def iter_names(config: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Walk through all registered names. YIELDS: Section and name."""
    for section, parent, key in iter_blocks(config):
        for name, value in parent[key].items():
            if name.startswith("@"):
                yield section, value


def _find_encoder(components: dict[str, Any]) -> str | None:
    names = [name for name, block in components.items() if is_encoder(block)]
    if len(names) > 1:
        raise SettingError(Errors.SB771.format(got=", ".join(names)))
    return names[0] if names else None


def _check_upstream(
    section: str, block: dict[str, Any], name: str | None, components: dict[str, Any]
) -> None:
    upstream = str(block.get("upstream", "*"))
    if upstream.startswith("$"):
        return  # a variable, which is filled in when the config is read
    if name is None or upstream not in ("*", name):
        known = ", ".join(components) or "none"
        expected = 'a component with factory = "transformer"' if name is None else f"'{name}'"
        raise SettingError(
            Errors.SB772.format(section=section, got=upstream, expected=expected, known=known)
        )


def _drop_unfreezing(config: dict[str, Any], changes: Changes) -> None:
    training = config.get("training") or {}
    callback = training.get("before_update")
    if isinstance(callback, dict) and callback.get("@callbacks") == UNFREEZING:
        training["before_update"] = None
        why = "set unfreeze_every in the model of the encoder, which opens layer by layer"
        changes.add("training.before_update", UNFREEZING, "", why)
