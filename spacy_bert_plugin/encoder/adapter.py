"""Any model of transformers' AutoModel behind the packed interface: padded inside.

For architectures that `BertEncoder` does not compute, such as ModernBERT
(https://arxiv.org/abs/2412.13663) and DeBERTa (https://arxiv.org/abs/2006.03654).
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import Errors, SettingError
from ..typedefs import Packed
from .kernels import pad_rows
from .model import check_input
from .packed import EncoderOutput
from .plan import AttentionPlan

_RATES: ContextVar[tuple[float, float]] = ContextVar("rates", default=(0.0, 0.0))
# How models call the modules that drop attention weights.
_ATTENTION_DROPOUTS = ("self.dropout", "attn_dropout", "attention_dropout", "attn_drop")
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


class AutoModelAdapter(nn.Module):
    """Packed pieces in, packed vectors out, by a model that wants padding.

    Its dropout modules are replaced by ones that take their rate from the call, so that the model
    can stay in eval mode. Dropout that a model computes without a module stays off.

    model: The model, from `AutoModel`.
    Raises: SettingError if its config lacks a size of a text encoder.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.config = read_sizes(model)
        self.model = model
        for parent_name, parent in list(model.named_modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.Dropout):
                    is_attention = f"{parent_name}.{name}".endswith(_ATTENTION_DROPOUTS)
                    setattr(parent, name, CallDropout(is_attention=is_attention))
        if hasattr(model.config, "reference_compile"):  # ModernBERT: would compile on first use
            model.config.reference_compile = False
        self._takes_segments = "token_type_ids" in inspect.signature(model.forward).parameters
        self.eval()

    def forward(
        self,
        packed: Packed,
        *,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        use_all_layers: bool = False,
        dtype: torch.dtype | None = None,
        quantization: object = None,
    ) -> EncoderOutput:
        """Encode windows.

        Arguments, Shape and Raises: as of `BertEncoder.forward`. Positions are counted by the
        model itself. With a `dtype` of 16 bits the model runs under autocast. Nothing can be
        quantised: a SettingError says so.
        """
        if quantization is not None:
            raise SettingError(Errors.SB213)
        check_input(packed, self.config, dtype=dtype)
        plan = AttentionPlan(tuple(n for n in packed.lengths if n), packed.ids.device)
        if not plan.lengths:
            empty = next(self.parameters()).new_zeros(0, self.config.width)
            layers = (empty,) * (self.config.n_layers + 1) if use_all_layers else None
            return EncoderOutput(empty, layers)
        with set_rates(dropout, attention_dropout), _autocast(packed.ids.device, dtype):
            output = self.model(
                **self._pad(packed, plan), output_hidden_states=use_all_layers, return_dict=True
            )
        last = _unpad(output.last_hidden_state, plan)
        if not use_all_layers:
            return EncoderOutput(last)
        return EncoderOutput(last, tuple(_unpad(x, plan) for x in output.hidden_states))

    @property
    def device(self) -> torch.device:
        """Where the weights are, and where packed input has to be."""
        return next(self.parameters()).device

    @property
    def layers(self) -> Iterable[nn.Module]:
        """The layers, from the lowest up. None if the model shares or hides them."""
        lists = [module for module in self.model.modules() if isinstance(module, nn.ModuleList)]
        return next((found for found in lists if len(found) == self.config.n_layers), ())

    def pool(self, first: Tensor) -> Tensor:
        """Apply the model's own pooler to the first piece of each window.

        first: Vectors of the first pieces.
        Shape: first (n_windows, width) -> (n_windows, width).
        Raises: SettingError if there is no pooler.
        """
        if not self.config.use_pooler:
            raise SettingError(Errors.SB209)
        pooler: nn.Module = self.model.pooler  # type: ignore[assignment]
        if isinstance(pooler, nn.Linear):  # ALBERT keeps the activation beside it
            return torch.tanh(pooler(first))
        pooled: Tensor = pooler(first[:, None])
        return pooled

    def forget_weights(self) -> None:
        """Do nothing: no weights are made ready beforehand."""

    def _pad(self, packed: Packed, plan: AttentionPlan) -> dict[str, Tensor]:
        shape = (len(plan.lengths), plan.longest)
        pad_id = getattr(self.model.config, "pad_token_id", None) or 0
        ids = pad_rows(packed.ids - pad_id, plan).view(shape) + pad_id
        inputs = {"input_ids": ids, "attention_mask": plan.padded_mask.long()}
        if self._takes_segments and self.config.n_segments:
            inputs["token_type_ids"] = pad_rows(packed.segments, plan).view(shape)
        return inputs


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


def _autocast(
    device: torch.device, dtype: torch.dtype | None
) -> contextlib.AbstractContextManager[Any]:
    if dtype is None or dtype == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=dtype)


def _unpad(x: Tensor, plan: AttentionPlan) -> Tensor:
    return x.flatten(0, 1)[plan.padded_rows].float()
