"""BERT as torch modules, packed: no spaCy, no files."""

from .config import ACTIVATIONS, EncoderConfig
from .depth import freeze_layers, group_by_depth
from .model import BertEncoder
from .packed import EncoderOutput, PackedInput, pack

__all__ = [
    "ACTIVATIONS",
    "BertEncoder",
    "EncoderConfig",
    "EncoderOutput",
    "PackedInput",
    "freeze_layers",
    "group_by_depth",
    "pack",
]
