"""Multi-head self-attention inside each window of a packed batch.

Paper: Vaswani et al., Attention Is All You Need, section 3.2, https://arxiv.org/abs/1706.03762
"""

from __future__ import annotations

from torch import Tensor, nn

from .kernels import attend
from .linear import WeightCache, apply_linear
from .plan import AttentionPlan
from .quantized import Quantization


class SelfAttention(nn.Module):
    """Queries, keys, values and the map that joins the heads again.

    width: Size of the vectors.
    n_heads: Number of heads, each of size width / n_heads.
    """

    def __init__(self, width: int, *, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self._in_cache = WeightCache()
        self._out_cache = WeightCache()

    def forward(
        self,
        x: Tensor,
        plan: AttentionPlan,
        *,
        dropout: float = 0.0,
        quantization: Quantization | None = None,
    ) -> Tensor:
        """Let the pieces of each window attend to each other.

        x: Vectors of all windows.
        plan: Which rows belong together.
        dropout: Rate for attention weights.
        quantization: What of this layer is computed in int8.
        Shape: x (n_pieces, width) -> (n_pieces, width).
        """
        maps = (self.query, self.key, self.value)
        dtype = quantization.dtype if quantization else None
        use_int8 = quantization is not None and quantization.covers("qkv")
        qkv = apply_linear(x, maps, self._in_cache, use_int8=use_int8, dtype=dtype)
        context = attend(qkv, plan, n_heads=self.n_heads, dropout=dropout)
        use_int8 = quantization is not None and quantization.covers("output")
        return apply_linear(context, (self.output,), self._out_cache, use_int8=use_int8)
