"""Where the encoders of a pipeline are: one that is shared, and those of single components."""

from collections.abc import Iterator
from typing import Any

from spacy.language import Language
from thinc.api import Model

from ..layers import EncoderModel
from ..layers.shim import BertShim

ARCHITECTURE = "spacy-bert-plugin.BertEncoder.v1"
FACTORY = "bert_transformer"


def find_encoders(nlp: Language) -> dict[str, EncoderModel]:
    """Find the encoder of every component that has one with weights, disabled ones included.

    RETURNS (dict[str, EncoderModel]): By name of the component. One that listens has none.
    """
    found = {name: _find_encoder(pipe) for name, pipe in nlp.components}
    return {name: model for name, model in found.items() if model is not None}


def find_precision(nlp: Language) -> str:
    """Name the number format that the encoders of a pipeline compute in, or those formats."""
    found = [model.attrs["settings"].precision for model in find_encoders(nlp).values()]
    return ", ".join(dict.fromkeys(found))


def set_precision(config: dict[str, Any], *, precision: str, skip: list[str] | None = None) -> None:
    """Set in which number format the encoders of a pipeline compute.

    config (dict): Of a pipeline, not interpolated. It is changed.
    precision (str): The format.
    skip (list[str] | None): `int8_skip`; None leaves what is there.
    """
    for component in config.get("components", {}).values():
        if not isinstance(component, dict):
            continue
        is_shared = component.get("factory") == FACTORY
        if is_shared:
            component["precision"] = precision
        for block in _iter_blocks(component):
            if not is_shared:
                block["precision"] = precision
            if skip is not None:
                block["int8_skip"] = list(skip)


def _find_encoder(pipe: Any) -> EncoderModel | None:
    model = getattr(pipe, "model", None)
    if not isinstance(model, Model):
        return None
    return next((node for node in model.walk() if _has_weights(node)), None)


def _has_weights(node: Model[Any, Any]) -> bool:
    return any(isinstance(shim, BertShim) and shim.is_loaded for shim in node.shims)


def _iter_blocks(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every block of a config that describes an encoder."""
    if isinstance(value, dict):
        if value.get("@architectures") == ARCHITECTURE:
            yield value
        for part in value.values():
            yield from _iter_blocks(part)
