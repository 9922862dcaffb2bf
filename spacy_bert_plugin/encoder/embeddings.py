"""Piece, position and segment embeddings.

Paper: Devlin et al., BERT, section 3.1, https://arxiv.org/abs/1810.04805. The linear map after
narrow embeddings is ELECTRA's: Clark et al., section 3.3, https://arxiv.org/abs/2003.10555
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .config import EncoderConfig
from .gradients import drop
from .linear import WeightCache, apply_linear


class Embeddings(nn.Module):
    """Sum of the embeddings of piece, position and segment, normalised."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width = config.embedding_width
        self.position_offset = config.position_offset
        self.pieces = nn.Embedding(config.vocab_size, width)
        self.positions = nn.Embedding(config.n_positions, width)
        self.segments = nn.Embedding(config.n_segments, width) if config.n_segments else None
        self.norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.projection = nn.Linear(width, config.width) if config.use_projection else None
        self._cache = WeightCache()

    def forward(
        self,
        ids: Tensor,
        positions: Tensor,
        segments: Tensor,
        *,
        dropout: float = 0.0,
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """Embed pieces.

        ids, positions, segments: As in `PackedInput`.
        dropout: Rate for the normalised sum.
        dtype: Type of the result. Sum and norm are computed in the type of the tables.
        Shape: ids, positions, segments (n_pieces,) -> (n_pieces, width).
        """
        x = self.pieces(ids) + self.positions(positions + self.position_offset)
        if self.segments is not None:
            x = x + self.segments(segments)
        x = drop(self.norm(x), dropout)
        x = x if dtype is None else x.to(dtype)
        return x if self.projection is None else apply_linear(x, (self.projection,), self._cache)
