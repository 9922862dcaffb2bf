"""The sizes and settings that fix the shape of a BERT-family encoder."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from ..errors import Errors, SettingError

ACTIVATIONS = ("gelu", "gelu_tanh", "relu", "silu")
MAX_PARAMETERS = 20_000_000_000
# Smallest and largest value of every size. The upper bounds lie far above every published
# checkpoint and keep a damaged file from asking for more memory than exists.
SIZES = {
    "vocab_size": (1, 10_000_000),
    "width": (1, 65_536),
    "n_layers": (1, 1_000),
    "n_heads": (1, 4_096),
    "hidden_width": (1, 1_000_000),
    "n_positions": (1, 10_000_000),
    "n_segments": (0, 65_536),
    "embedding_width": (1, 65_536),
    "position_offset": (0, 1_000_000),
}
RATES = ("dropout", "attention_dropout")


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Sizes and settings of an encoder, checked when it is made.

    vocab_size: Ids in the piece table.
    width: Size of every vector between layers.
    n_layers: Number of layers.
    n_heads: Attention heads of a layer. Has to divide `width`.
    hidden_width: Size between the two linear maps of the feed-forward part.
    n_positions: Rows of the position table.
    n_segments: Rows of the segment table, 0 for an encoder without one.
    embedding_width: Size of the embeddings. Where it differs from `width`, as in ELECTRA, a
        linear map follows the embeddings.
    position_offset: Row of the position table that belongs to the first piece: 2 in the RoBERTa
        family, which keeps the rows below for padding.
    activation: One of `ACTIVATIONS`: "gelu" is the exact function, "gelu_tanh" its approximation.
    layer_norm_eps: Added to the variance in layer normalisation.
    dropout: Rate that the checkpoint was trained with, for training code to use as a default.
    attention_dropout: The same for attention weights.
    use_pooler: Whether there is a pooler.
    initializer_range: Standard deviation of random initial weights.
    Raises: SettingError if a value cannot work.
    """

    vocab_size: int
    width: int
    n_layers: int
    n_heads: int
    hidden_width: int
    n_positions: int
    n_segments: int
    embedding_width: int
    position_offset: int = 0
    activation: str = "gelu"
    layer_norm_eps: float = 1e-12
    dropout: float = 0.1
    attention_dropout: float = 0.1
    use_pooler: bool = False
    initializer_range: float = 0.02

    def __post_init__(self) -> None:
        for name, (low, high) in SIZES.items():
            got = getattr(self, name)
            if type(got) is not int or not low <= got <= high:
                raise SettingError(Errors.SB200.format(name=name, low=low, high=high, got=got))
        for name, expected, got in _iter_faults(self):
            raise SettingError(Errors.SB201.format(name=name, expected=expected, got=got))
        if self.width % self.n_heads:
            raise SettingError(Errors.SB202.format(width=self.width, n_heads=self.n_heads))
        if self.max_pieces < 1:
            offset, got = self.position_offset, self.n_positions
            raise SettingError(Errors.SB204.format(offset=offset, got=got))
        if self.n_parameters > MAX_PARAMETERS:
            raise SettingError(Errors.SB203.format(got=self.n_parameters, high=MAX_PARAMETERS))

    @property
    def max_pieces(self) -> int:
        """Pieces of the longest window, special pieces included."""
        return self.n_positions - self.position_offset

    @property
    def n_parameters(self) -> int:
        """Number of parameters of an encoder of these sizes, without its biases and norms."""
        rows = self.vocab_size + self.n_positions + self.n_segments
        layer = 4 * self.width**2 + 2 * self.width * self.hidden_width
        projection = self.embedding_width * self.width if self.use_projection else 0
        pooler = self.width**2 if self.use_pooler else 0
        return rows * self.embedding_width + projection + self.n_layers * layer + pooler

    @property
    def use_projection(self) -> bool:
        """Whether a linear map takes embeddings to the width of the layers."""
        return self.embedding_width != self.width


def _iter_faults(config: EncoderConfig) -> Iterator[tuple[str, str, object]]:
    if config.activation not in ACTIVATIONS:
        yield "activation", f"one of {', '.join(ACTIVATIONS)}", config.activation
    if type(config.use_pooler) is not bool:
        yield "use_pooler", "true or false", config.use_pooler
    for field in fields(config):
        got = getattr(config, field.name)
        if field.type is float and not (_is_number(got) and got >= 0.0):
            yield field.name, "a finite number of at least 0", got
        elif field.name in RATES and got >= 1.0:
            yield field.name, "a rate from 0 up to, but not including, 1", got
    if config.layer_norm_eps == 0.0:
        yield "layer_norm_eps", "greater than 0", config.layer_norm_eps


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and -sys.float_info.max <= value <= sys.float_info.max
