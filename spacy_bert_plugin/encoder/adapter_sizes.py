"""Sizes of a model that transformers built, read from its config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from ..errors import Errors, SettingError

_DEFAULT_MAX_PIECES = 512


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """Sizes of a model that transformers built.

    vocab_size: Ids in its piece table.
    width: Size of its vectors.
    n_layers: Number of its layers.
    n_segments: Segments that it tells apart, 0 for none.
    max_pieces: Pieces of the longest window, special pieces included.
    use_pooler: Whether it has a pooler.
    """

    vocab_size: int
    width: int
    n_layers: int
    n_segments: int
    max_pieces: int
    use_pooler: bool


def read_sizes(model: nn.Module) -> AdapterConfig:
    """Read the sizes of a model that transformers built.

    model: The model.
    Raises: SettingError if its config lacks one.
    """
    config: Any = model.config
    for name in ("vocab_size", "hidden_size", "num_hidden_layers"):
        if not isinstance(getattr(config, name, None), int):
            raise SettingError(Errors.SB212.format(got=type(model).__name__, name=name))
    n_positions = getattr(config, "max_position_embeddings", None) or 0
    n_positions = n_positions if n_positions > 0 else _DEFAULT_MAX_PIECES
    return AdapterConfig(
        vocab_size=config.vocab_size,
        width=config.hidden_size,
        n_layers=config.num_hidden_layers,
        n_segments=getattr(config, "type_vocab_size", None) or 0,
        max_pieces=n_positions - _count_unused_positions(model),
        use_pooler=getattr(model, "pooler", None) is not None,
    )


def _count_unused_positions(model: nn.Module) -> int:
    """Positions that windows never get: models that follow RoBERTa begin after padding's."""
    for module in model.modules():
        if hasattr(module, "create_position_ids_from_inputs_embeds"):
            return int(getattr(module, "padding_idx", None) or 0) + 1
    return 0
