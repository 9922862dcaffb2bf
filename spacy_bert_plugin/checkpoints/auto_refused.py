"""Architectures that transformers knows, but that give no vectors which this package could use."""

from collections.abc import Mapping
from types import MappingProxyType

from ..errors import CheckpointError, Errors

_KERNELS = "its attention fetches compiled code from the network"
# model_type -> why.
REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "bros": "it needs the place of every word on a page",
        "canine": "it reads characters, not the pieces of a tokenizer",
        "funnel": "its layers pool neighbours, which fails for texts of one or two pieces",
        "layoutlmv2": "it needs the picture of a page",
        "mra": _KERNELS,
        "nystromformer": "it takes windows of one fixed length only",
        "perceiver": "it gives a fixed number of vectors, not one a piece",
        "reformer": "it sorts pieces into random groups, so that no result could be repeated",
        "roc_bert": "it needs the shape and the sound of every character beside the pieces",
        "tapas": "it needs the rows and columns of a table",
        "yoso": _KERNELS,
    }
)


def check_architecture(model_type: str, *, source: str) -> None:
    """Refuse an architecture that is known not to work.

    model_type (str): Its name in config.json.
    source (str): The file, for messages.
    RAISES (CheckpointError): It is one of `REFUSED`.
    """
    reason = REFUSED.get(model_type)
    if reason is not None:
        raise CheckpointError(Errors.SB325.format(source=source, got=model_type, reason=reason))
