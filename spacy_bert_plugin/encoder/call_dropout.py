"""Dropout whose rate comes from the call, for models that transformers built."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

import torch.nn.functional as F
from torch import Tensor, nn

_RATES: ContextVar[tuple[float, float]] = ContextVar("rates", default=(0.0, 0.0))
# How models call the modules that drop attention weights.
_ATTENTION_DROPOUTS = ("self.dropout", "attn_dropout", "attention_dropout", "attn_drop")


class CallDropout(nn.Module):
    """Dropout at the rate of the call it runs in, not of the module.

    is_attention: Whether it drops attention weights.
    """

    def __init__(self, *, is_attention: bool) -> None:
        super().__init__()
        self.is_attention = is_attention

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements. Shape: any -> the same."""
        rate = _RATES.get()[self.is_attention]
        return F.dropout(x, rate) if rate else x


@contextlib.contextmanager
def set_rates(dropout: float, attention_dropout: float) -> Iterator[None]:
    """Set the rates of every `CallDropout` inside the block, in this thread only.

    dropout: Rate for vectors.
    attention_dropout: Rate for attention weights.
    """
    token = _RATES.set((dropout, attention_dropout))
    try:
        yield
    finally:
        _RATES.reset(token)


def replace_dropouts(model: nn.Module) -> None:
    """Put a `CallDropout` in the place of every dropout module.

    model: Any module.
    """
    for parent_name, parent in list(model.named_modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Dropout):
                is_attention = f"{parent_name}.{name}".endswith(_ATTENTION_DROPOUTS)
                setattr(parent, name, CallDropout(is_attention=is_attention))
