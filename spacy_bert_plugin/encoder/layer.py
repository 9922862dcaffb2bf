"""One layer of the encoder: attention and feed-forward, each with residual and norm.

Paper: Vaswani et al., Attention Is All You Need, section 3.1, https://arxiv.org/abs/1706.03762
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .attention import SelfAttention
from .config import EncoderConfig
from .gradients import drop
from .linear import WeightCache, apply_linear, apply_norm
from .plan import AttentionPlan
from .quantized import Quantization


class EncoderLayer(nn.Module):
    """Self-attention, then the feed-forward part, both normalised after the residual sum."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.activation = config.activation
        self.attention = SelfAttention(config.width, n_heads=config.n_heads)
        self.attention_norm = nn.LayerNorm(config.width, eps=config.layer_norm_eps)
        self.up = nn.Linear(config.width, config.hidden_width)
        self.down = nn.Linear(config.hidden_width, config.width)
        self.output_norm = nn.LayerNorm(config.width, eps=config.layer_norm_eps)
        self._up_cache = WeightCache()
        self._down_cache = WeightCache()
        self._attention_norm_cache = WeightCache()
        self._output_norm_cache = WeightCache()

    def forward(
        self,
        x: Tensor,
        plan: AttentionPlan,
        *,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        quantization: Quantization | None = None,
    ) -> Tensor:
        """Apply the layer to the pieces of all windows.

        x: Vectors, windows sorted by length.
        plan: Which rows belong to one window.
        dropout: Rate for the output of both parts.
        attention_dropout: Rate for attention weights.
        quantization: What of this layer is computed in int8.
        Shape: x (n_pieces, width) -> (n_pieces, width).
        """
        attended = self.attention(x, plan, dropout=attention_dropout, quantization=quantization)
        x = add(x, drop(attended, dropout))
        x = apply_norm(x, self.attention_norm, self._attention_norm_cache)
        dtype = quantization.dtype if quantization else None
        is_up_int8 = quantization is not None and quantization.covers("up")
        is_down_int8 = quantization is not None and quantization.covers("down")
        hidden = apply_linear(
            x,
            (self.up,),
            self._up_cache,
            activation=self.activation,
            use_int8=is_up_int8,
            # What is quantised next is rounded fastest from fp32.
            dtype=torch.float32 if is_up_int8 and is_down_int8 else dtype,
        )
        output = apply_linear(
            hidden,
            (self.down,),
            self._down_cache,
            use_int8=is_down_int8,
            dtype=dtype,
            is_spent=True,
        )
        x = add(x, drop(output, dropout))
        return apply_norm(x, self.output_norm, self._output_norm_cache)


def add(x: Tensor, y: Tensor) -> Tensor:
    """Add `y`, which nobody else uses, to `x`: in its memory where no gradient flows."""
    if torch.is_grad_enabled() or x.dtype != y.dtype:
        return x + y
    return y.add_(x)
