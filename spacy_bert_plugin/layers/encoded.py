"""What goes into a run of Docs through the encoder, and what comes out of it."""

from collections.abc import Collection
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..encoder import Quantization


@dataclass
class EncodedDocs:
    """What the encoder made of a batch of Docs.

    tokens: One vector a token, Docs one after the other; zeros for tokens without pieces.
        Shape: (n_tokens, width), float32
    pooled: By name, as asked for: "first", the vector of each token's first piece; "cls",
        "pooler", "mean", "pieces" and "max", one vector a Doc, or one a text of it
        (`layers/apart_texts.py`).
        Shape: "first" (n_tokens, width), others (n_rows, width), float32
    window_layers: With `use_all_layers`, for each window every hidden state, embeddings first.
        Shape: (n_layers + 1, n_window_pieces, width) each, on the host
    """

    tokens: Tensor
    pooled: dict[str, Tensor] = field(default_factory=dict)
    window_layers: dict[int, Tensor] = field(default_factory=dict)
    n_layers: int = 0


@dataclass(frozen=True)
class EncodeOptions:
    """How one call runs.

    batch_pieces: Most pieces of a forward pass.
    dtype: Number format of the linear layers.
    quantization: What is computed in int8 instead; in prediction alone.
    dropout: Rate; 0.0 in prediction.
    pooled: Which other vectors to compute.
    use_checkpointing: Whether a forward pass with gradient keeps nothing but its result.
    piece_dropout: Share of pieces, special ones left out, that the mask piece stands for.
    """

    batch_pieces: int
    dtype: torch.dtype = torch.float32
    quantization: Quantization | None = None
    dropout: float = 0.0
    pooled: Collection[str] = ()
    use_all_layers: bool = False
    use_checkpointing: bool = False
    piece_dropout: float = 0.0


@dataclass
class BatchVectors:
    """What one batch adds to the result.

    tokens: The tokens that it has pieces of. Shape: (n_batch_tokens,)
    sums: By name, their weighted sums. Shape: (n_batch_tokens, width) each
    windows, firsts, means, peaks: The windows, and where they are wanted the vectors of their
        first pieces, and the means and the largest numbers over all of their pieces.
        Shape: (n_windows,), then (n_windows, width) each
    layers: Every hidden state of each window, where that is wanted.
    """

    tokens: Tensor
    sums: dict[str, Tensor]
    windows: Tensor | None = None
    firsts: Tensor | None = None
    means: Tensor | None = None
    peaks: Tensor | None = None
    layers: dict[int, Tensor] = field(default_factory=dict)
