"""The table of piece embeddings of any encoder."""

from __future__ import annotations

from torch import nn

from ..errors import Errors, SettingError
from ..typedefs import Encoder
from .adapter import AutoModelAdapter
from .model import BertEncoder


def find_piece_table(encoder: Encoder) -> nn.Parameter:
    """Find the parameter that holds the piece embeddings, which a masked-word head shares.

    encoder: Ours, or an adapter.
    Shape: (vocab_size, embedding_width).
    Raises: SettingError if the model behind an adapter does not say which it is.
    """
    table: object = None
    if isinstance(encoder, BertEncoder):
        table = encoder.embeddings.pieces
    elif isinstance(encoder, AutoModelAdapter):
        table = encoder.model.get_input_embeddings()  # type: ignore[operator]
    if isinstance(table, nn.Embedding) and isinstance(table.weight, nn.Parameter):
        return table.weight
    raise SettingError(Errors.SB534.format(got=type(encoder).__name__))
