"""The packed encoder of the BERT family.

Paper: Devlin et al., BERT, https://arxiv.org/abs/1810.04805. The same module computes RoBERTa,
XLM-R, CamemBERT, ELECTRA, DistilBERT and MiniLM; `EncoderConfig` holds their differences.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..errors import Errors, SettingError
from ..typedefs import EncoderSizes, Packed
from .config import EncoderConfig
from .embeddings import Embeddings
from .layer import EncoderLayer
from .linear import WeightCache, apply_linear
from .packed import EncoderOutput
from .plan import plan_attention
from .quantized import Quantization

PRECISIONS = (torch.float32, torch.bfloat16, torch.float16)


class BertEncoder(nn.Module):
    """Packed pieces in, packed vectors out.

    The weights are random, N(0, initializer_range), until others are loaded. The module stays in
    eval mode: dropout is an argument of `forward`, so that threads do not disturb each other.

    config: Sizes and settings.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.n_layers))
        self.pooler = nn.Linear(config.width, config.width) if config.use_pooler else None
        self._pooler_cache = WeightCache()
        self.reset_parameters()
        super().train(False)

    def forward(
        self,
        packed: Packed,
        *,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        use_all_layers: bool = False,
        dtype: torch.dtype | None = None,
        quantization: Quantization | None = None,
    ) -> EncoderOutput:
        """Encode windows. No piece attends to a piece of another window.

        packed: Windows, end to end, on the device of the encoder.
        dropout: Rate for embeddings and for the output of both parts of each layer.
        attention_dropout: Rate for attention weights.
        use_all_layers: Return the output of the embeddings and of every layer as well.
        dtype: Type to compute in, of `PRECISIONS`; that of the weights if None. Gradients and
            results have the type of the weights.
        quantization: What to compute in int8, instead of `dtype`. With gradients: nothing.
        Shape: packed of n_pieces -> last (n_pieces, width).
        Raises: SettingError if a window is too long or an id is outside its table.
        """
        check_input(packed, self.config, dtype=dtype)
        plan, order = plan_attention(packed.lengths, device=packed.ids.device)
        parts = [packed.ids, packed.positions, packed.segments]
        parts = parts if order is None else [part[order] for part in parts]
        x = self.embeddings(*parts, dropout=dropout, dtype=dtype)
        outputs = [x]
        for number, layer in enumerate(self.layers):
            x = layer(
                x,
                plan,
                dropout=dropout,
                attention_dropout=attention_dropout,
                quantization=quantization.of_layer(number) if quantization else None,
            )
            outputs.append(x)
        wanted = outputs if use_all_layers else outputs[-1:]
        vectors = tuple(self._finish(y, order) for y in wanted)
        return EncoderOutput(vectors[-1], vectors if use_all_layers else None)

    @property
    def device(self) -> torch.device:
        """Where the weights are, and where packed input has to be."""
        return self.embeddings.norm.weight.device

    def pool(self, first: Tensor) -> Tensor:
        """Apply the pooler, a linear map and tanh, to the first piece of each window.

        first: Vectors of the first pieces.
        Shape: first (n_windows, width) -> (n_windows, width).
        Raises: SettingError if there is no pooler.
        """
        if self.pooler is None:
            raise SettingError(Errors.SB209)
        return apply_linear(first, (self.pooler,), self._pooler_cache).tanh()

    def forget_weights(self) -> None:
        """Drop weights made ready for prediction, after a change that torch does not count.

        Needed only where memory of parameters is written past torch, as thinc's optimizers do
        through numpy.
        """
        for module in self.modules():
            for value in vars(module).values():
                if isinstance(value, WeightCache):
                    value.clear()

    def reset_parameters(self) -> None:
        """Draw random weights: N(0, initializer_range); biases 0, norms 1."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=self.config.initializer_range)
            elif isinstance(module, nn.LayerNorm):
                module.reset_parameters()
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def _finish(self, x: Tensor, order: Tensor | None) -> Tensor:
        x = x.to(self.embeddings.norm.weight.dtype)
        return x if order is None else x[order.argsort()]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> BertEncoder:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.forget_weights()
        return self


def check_input(packed: Packed, sizes: EncoderSizes, *, dtype: torch.dtype | None) -> None:
    """Check that an encoder can take an input. Ids are checked on CPU only: elsewhere it waits.

    packed: The input.
    sizes: Config of the encoder.
    dtype: Type asked for.
    Raises: SettingError if a window is too long, an id is outside its table, or the type is none
        of `PRECISIONS`.
    """
    if dtype is not None and dtype not in PRECISIONS:
        raise SettingError(Errors.SB210.format(expected=PRECISIONS, got=dtype))
    longest = max(packed.lengths, default=0)
    if longest > sizes.max_pieces:
        raise SettingError(Errors.SB207.format(expected=sizes.max_pieces, got=longest))
    if packed.ids.device.type != "cpu" or not longest:
        return
    highs = {"piece": sizes.vocab_size, "position": longest, "segment": max(sizes.n_segments, 1)}
    tensors = (packed.ids, packed.positions, packed.segments)
    for (name, n), tensor in zip(highs.items(), tensors, strict=True):
        low, high = (int(bound) for bound in tensor.aminmax())
        if low < 0 or high >= n:
            got = low if low < 0 else high
            raise SettingError(Errors.SB208.format(name=name, high=n - 1, got=got))
