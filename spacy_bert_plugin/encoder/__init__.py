"""BERT as torch modules, packed: no spaCy, no files."""

from .config import ACTIVATIONS, EncoderConfig
from .depth import freeze_layers, group_by_depth
from .model import BertEncoder
from .packed import EncoderOutput, PackedInput, pack
from .quantized import MAPS, Quantization, has_int8
from .tables import find_piece_table

__all__ = [
    "ACTIVATIONS",
    "MAPS",
    "BertEncoder",
    "EncoderConfig",
    "EncoderOutput",
    "PackedInput",
    "Quantization",
    "find_piece_table",
    "freeze_layers",
    "group_by_depth",
    "has_int8",
    "pack",
]
