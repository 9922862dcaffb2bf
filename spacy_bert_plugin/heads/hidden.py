"""The layer that some heads have between vectors and scores.

    x -> linear -> activation -> norm

Where checkpoints of other libraries have such a layer it is one of these: tanh in RoBERTa, GELU in
ELECTRA, ReLU in DistilBERT, GELU and a norm in ModernBERT.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ACTIVATIONS: MappingProxyType[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "gelu": F.gelu,
        "gelu_tanh": partial(F.gelu, approximate="tanh"),
        "relu": F.relu,
        "silu": F.silu,
        "tanh": torch.tanh,
    }
)


class HiddenLayer(nn.Linear):
    """A linear layer with its activation, and a norm after it if one is wanted.

    n_input: Width of what comes in.
    width: Width of what goes out.
    activation: One of `ACTIVATIONS`.
    use_bias: Whether the linear map has a bias.
    use_norm: Whether a layer norm follows.
    use_norm_bias: Whether that norm has a bias.
    norm_eps: What it adds to the variance.
    """

    def __init__(
        self,
        n_input: int,
        width: int,
        *,
        activation: str = "gelu",
        use_bias: bool = True,
        use_norm: bool = False,
        use_norm_bias: bool = True,
        norm_eps: float = 1e-5,
    ) -> None:
        super().__init__(n_input, width, bias=use_bias)
        self.activation = activation
        self.norm = nn.LayerNorm(width, eps=norm_eps, bias=use_norm_bias) if use_norm else None

    def forward(self, x: Tensor) -> Tensor:
        """Map vectors. Shape: (n, n_input) -> (n, width)"""
        x = ACTIVATIONS[self.activation](super().forward(x))
        return x if self.norm is None else self.norm(x)


def make_hidden(n_input: int, width: int, **settings: Any) -> HiddenLayer | None:
    """Make a hidden layer, or none for width 0.

    settings: As of `HiddenLayer`.
    """
    return HiddenLayer(n_input, width, **settings) if width else None
