"""The two heads of pretraining: which piece was masked, and whether a sentence follows another.

    vectors of masked pieces -> dense -> activation -> norm -> logits over the piece table
    pooled first piece       -> logits of "follows" and "comes from elsewhere"

Paper: Devlin et al., BERT, section 3.1, https://arxiv.org/abs/1810.04805. Equal to the heads of
transformers' `BertForPreTraining`, and to those of its other masked language models.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..encoder.linear import WeightCache, apply_linear, apply_norm

INIT_RANGE = 0.02


class MaskedWordHead(nn.Module):
    """Scores every piece of the vocabulary for each vector, with the encoder's own piece table.

    The table is an argument, never a part of this module: it is not copied, saved or stepped
    twice, and gradients reach it wherever it lies.

    width: Width of the vectors.
    vocab_size: Rows of the piece table.
    embedding_width: Width of the piece table; None: `width`.
    activation: One of `encoder.ACTIVATIONS`.
    eps: Added to the variance in the layer norm.
    use_bias: Whether the first map has a bias.
    use_norm_bias: Whether the norm has one.
    """

    def __init__(
        self,
        width: int,
        vocab_size: int,
        *,
        embedding_width: int | None = None,
        activation: str = "gelu",
        eps: float = 1e-12,
        use_bias: bool = True,
        use_norm_bias: bool = True,
    ) -> None:
        super().__init__()
        self.sizes: dict[str, Any] = {
            "width": width,
            "vocab_size": vocab_size,
            "embedding_width": embedding_width or width,
            "activation": activation,
            "eps": eps,
            "use_bias": use_bias,
            "use_norm_bias": use_norm_bias,
        }
        self.activation = activation
        self.dense = nn.Linear(width, embedding_width or width, bias=use_bias)
        self.norm = nn.LayerNorm(embedding_width or width, eps=eps, bias=use_norm_bias)
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        self._caches = WeightCache(), WeightCache(), WeightCache()
        nn.init.normal_(self.dense.weight, std=INIT_RANGE)
        if use_bias:
            nn.init.zeros_(self.dense.bias)

    def forward(
        self, vectors: Tensor, table: nn.Parameter, *, dtype: torch.dtype | None = None
    ) -> Tensor:
        """Score the pieces that may stand in the place of each vector.

        vectors: Output of the encoder, at masked pieces only: each row costs as much as a pass
            through several layers.
        table: The piece table, see `encoder.find_piece_table`.
        dtype: Type to compute in; that of the weights if None. Weights keep theirs.
        Shape: vectors (n, width), table (vocab_size, embedding_width) -> (n, vocab_size), in the
            type of the weights.
        """
        dense, norm, decoder = self._caches
        x = apply_linear(vectors, (self.dense,), dense, activation=self.activation, dtype=dtype)
        x = apply_norm(x, self.norm, norm)
        if x.dtype == table.dtype:
            return F.linear(x, table, self.bias)
        scores = apply_linear(x, (tie_weights(table, self.bias),), decoder)
        return scores.to(table.dtype)

    def forget_weights(self) -> None:
        """Drop copies in half precision, after a step that torch does not count: a fused one."""
        for cache in self._caches:
            cache.clear()


class NextSentenceHead(nn.Module):
    """Scores whether the second text of a window follows the first, or comes from elsewhere.

    width: Width of the pooled vectors, see `encoder.pool`.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.output = nn.Linear(width, 2)
        nn.init.normal_(self.output.weight, std=INIT_RANGE)
        nn.init.zeros_(self.output.bias)

    def forward(self, pooled: Tensor) -> Tensor:
        """Score windows. Shape: (n_windows, width) -> (n_windows, 2): follows, from elsewhere."""
        scores: Tensor = self.output(pooled)
        return scores


def masked_word_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean of minus log probability of the right piece, over masked pieces. 0 if there are none.

    logits: What `MaskedWordHead` gives for masked pieces.
    targets: Ids that were there before the masking.
    Shape: logits (n_masked, vocab_size), targets (n_masked,) -> ().
    """
    if not len(targets):
        return logits.sum() * 0.0
    return F.cross_entropy(logits.float(), targets)


def next_sentence_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean of minus log probability of the right answer, over windows. 0 if there are none.

    targets: 0 where the second text follows the first, 1 where it comes from elsewhere.
    Shape: logits (n_windows, 2), targets (n_windows,) -> ().
    """
    return masked_word_loss(logits, targets)


def tie_weights(table: nn.Parameter, bias: nn.Parameter) -> nn.Linear:
    """Make a linear map of parameters that belong to others, without copying them."""
    layer = nn.Linear(1, 1, device="meta")
    layer.weight, layer.bias = table, bias
    return layer
