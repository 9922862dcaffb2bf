"""Blocks of listeners, and of encoders that belong to one component: theirs -> ours."""

from typing import Any

from ...errors import Errors, SettingError
from .changes import Changes
from .encoder_config import INLINE, convert_model

OURS = "spacy-bert-plugin.BertListener.v1"
SHARED = "spacy-transformers.TransformerListener.v1"
LAST = "spacy-curated-transformers.LastTransformerLayerListener.v1"
WEIGHTED = "spacy-curated-transformers.ScalarWeightingListener.v1"
LISTENERS = (SHARED, LAST, WEIGHTED)
POOLINGS = {"reduce_mean": "mean", "reduce_first": "first"}


def convert_listener(
    section: str, block: dict[str, Any], changes: Changes, *, is_trained: bool
) -> dict[str, Any]:
    """Turn the block of a listener into that of `BertListener.v1`.

    section (str): Where it stands.
    is_trained (bool): Whether there are weights which it has to fit.
    RETURNS (dict): The new block.
    RAISES (SettingError): It gives something that no listener of ours gives.
    """
    old = block["@architectures"]
    if old == WEIGHTED and is_trained:
        raise SettingError(Errors.SB766.format(section=section, got=old))
    why = "the last layer in the place of a learned mean of all" if old == WEIGHTED else ""
    changes.add(section, old, OURS, why)
    pooling = find_pooling(section, block)
    converted: dict[str, Any] = {"@architectures": OURS, "upstream": block.get("upstream", "*")}
    if pooling != "mean":
        converted["pooling"] = pooling
    if block.get("grad_factor", 1.0) != 1.0:
        converted["grad_factor"] = block["grad_factor"]
    changes.drop(section, block, {"width": "the width comes with the checkpoint"})
    return converted


def convert_inline(
    section: str, block: dict[str, Any], changes: Changes, *, is_trained: bool
) -> dict[str, Any]:
    """Turn an encoder of a component's own into one of ours.

    RAISES (SettingError): There are weights, which would be lost.
    """
    if is_trained:
        raise SettingError(Errors.SB767.format(section=section, got=block["@architectures"]))
    converted = convert_model(section, block, {"name": block.get("name")}, changes)
    if find_pooling(section, block) == "first":
        converted["output"] = "first"
    changes.drop(section, block, {"grad_factor": "the learning rate is that of the optimizer"})
    return converted


def is_inline(name: Any) -> bool:
    """Whether an architecture is an encoder of a component's own."""
    return isinstance(name, str) and INLINE.fullmatch(name) is not None


def find_pooling(section: str, block: dict[str, Any]) -> str:
    """How the pieces of a token become one vector: "mean" or "first"."""
    layer = block.get("pooling") or {"@layers": "reduce_mean.v1"}
    name = str(layer.get("@layers") if isinstance(layer, dict) else layer)
    pooling = POOLINGS.get(name.partition(".")[0])
    if pooling is None:
        raise SettingError(Errors.SB768.format(section=f"{section}.pooling", got=name))
    return pooling
