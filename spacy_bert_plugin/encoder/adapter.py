"""Any model of transformers' AutoModel behind the packed interface: padded inside.

For architectures that `BertEncoder` does not compute, such as ModernBERT
(https://arxiv.org/abs/2412.13663) and DeBERTa (https://arxiv.org/abs/2006.03654).

windows        C a a S   C b S   C c c S
padded         C a a S / C b S . / C c c S      one call, where padding changes no vector
by length      C a a S / C c c S ; C b S        a call for each length, where it does
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import Errors, SettingError
from ..typedefs import Packed
from .adapter_sizes import read_sizes
from .call_dropout import replace_dropouts, set_rates
from .kernels import pad_rows
from .model import check_input
from .packed import EncoderOutput
from .plan import AttentionPlan
from .probe import probe_model

# Padding changes the vectors of what stands before it: Fourier transforms run over all pieces
# (FNet), convolutions and trigrams reach into it (ConvBERT, MobileBERT).
LEAKING = frozenset({"convbert", "fnet", "mobilebert"})
# Key of config.json that gives the first piece of a Longformer global attention.
GLOBAL_FIRST = "use_global_first"


class AutoModelAdapter(nn.Module):
    """Packed pieces in, packed vectors out, by a model that wants padding.

    Its dropout modules are replaced by ones that take their rate from the call, so that the model
    can stay in eval mode. Dropout that a model computes without a module stays off. The model is
    run once on a few pieces; one that lets padding change its vectors gets windows of one length
    at a time, so that a text has the same vectors alone and in a batch.

    model: The model, from `AutoModel`.
    Raises: SettingError if its config lacks a size of a text encoder, or it gives no vectors that
        could be used.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.config = read_sizes(model)
        self.model = model
        settings: Any = model.config
        replace_dropouts(model)
        if hasattr(settings, "reference_compile"):  # ModernBERT: would compile on first use
            settings.reference_compile = False
        if hasattr(model, "set_attention_type"):  # BigBird: changes itself on the first short text
            model.set_attention_type("original_full")  # type: ignore[operator]
        parameters = inspect.signature(model.forward).parameters
        self._takes_mask = "attention_mask" in parameters or any(
            parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()
        )
        self._takes_segments = "token_type_ids" in parameters and self.config.n_segments > 0
        self._use_global_first = "global_attention_mask" in parameters and bool(
            getattr(settings, GLOBAL_FIRST, False)
        )
        self._pad_id = getattr(settings, "pad_token_id", None) or 0
        self._name = type(model).__name__
        self.eval()
        habits = probe_model(self._probe, self.config, name=self._name, pad_id=self._pad_id)
        self.use_padding = habits.use_padding and settings.model_type not in LEAKING
        self._has_layers = habits.has_layers

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
        quantised, and some models do not hand out their layers: a SettingError says so.
        """
        if quantization is not None:
            raise SettingError(Errors.SB213)
        if use_all_layers and not self._has_layers:
            raise SettingError(Errors.SB214.format(name=self._name))
        check_input(packed, self.config, dtype=dtype)
        parts, rows = [], []
        with set_rates(dropout, attention_dropout), _autocast(packed.ids.device, dtype):
            for chosen, plan in self._split(packed):
                ids, segments = packed.ids[chosen], packed.segments[chosen]
                parts.append(self._encode(ids, segments, plan, use_all_layers=use_all_layers))
                rows.append(chosen)
        if not parts:
            empty = next(self.parameters()).new_zeros(0, self.config.width)
            parts.append((empty,) * (self.config.n_layers + 2 if use_all_layers else 1))
        vectors = [torch.cat(layer) for layer in zip(*parts, strict=True)]
        if len(rows) > 1:
            order = torch.cat([torch.as_tensor(chosen) for chosen in rows]).argsort()
            vectors = [layer[order] for layer in vectors]
        return EncoderOutput(vectors[-1], tuple(vectors[:-1]) if use_all_layers else None)

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
        if isinstance(pooler, nn.Linear):  # ALBERT and BigBird keep the activation beside it
            return torch.tanh(pooler(first))
        pooled: Tensor = pooler(first[:, None])
        return pooled

    def forget_weights(self) -> None:
        """Do nothing: no weights are made ready beforehand."""

    def _split(self, packed: Packed) -> Iterator[tuple[Tensor | slice, AttentionPlan]]:
        """Choose what runs in one call: its rows and their plan."""
        device, lengths = packed.ids.device, packed.lengths
        found = {length for length in lengths if length}
        if self.use_padding or len(found) <= 1:
            if found:
                yield slice(None), AttentionPlan(tuple(n for n in lengths if n), device)
            return
        begins = accumulate(lengths, initial=0)
        firsts: dict[int, list[int]] = {length: [] for length in sorted(found)}
        for begin, length in zip(begins, lengths, strict=False):
            if length:
                firsts[length].append(begin)
        for length, starts in firsts.items():
            rows = torch.tensor(starts)[:, None] + torch.arange(length)
            yield rows.flatten().to(device), AttentionPlan((length,) * len(starts), device)

    def _encode(
        self, ids: Tensor, segments: Tensor, plan: AttentionPlan, *, use_all_layers: bool
    ) -> tuple[Tensor, ...]:
        """Run the model once. Shape: (n_pieces,) -> (n_pieces, width) each, the last one last."""
        shape = (len(plan.lengths), plan.longest)
        padded = pad_rows(ids - self._pad_id, plan).view(shape) + self._pad_id
        mask = plan.padded_mask.long()
        output = self._run(
            padded, mask, pad_rows(segments, plan).view(shape), use_all_layers=use_all_layers
        )
        layers = output.hidden_states if use_all_layers else ()
        wanted = (*layers, output.last_hidden_state)
        return tuple(x.flatten(0, 1)[plan.padded_rows].float() for x in wanted)

    def _run(self, ids: Tensor, mask: Tensor, segments: Tensor, *, use_all_layers: bool) -> Any:
        inputs = {"input_ids": ids}
        if self._takes_mask:
            inputs["attention_mask"] = mask
        if self._takes_segments:
            inputs["token_type_ids"] = segments
        if self._use_global_first:
            inputs["global_attention_mask"] = torch.zeros_like(mask)
            inputs["global_attention_mask"][:, 0] = 1
        try:
            return self.model(**inputs, output_hidden_states=use_all_layers, return_dict=True)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            # Code that mixes its own types with those of autocast: DeBERTa's first version, X-MOD.
            if not torch.is_autocast_enabled(ids.device.type):
                raise
            dtype = torch.get_autocast_dtype(ids.device.type)
            message = Errors.SB218.format(name=self._name, dtype=dtype, error=error)
            raise SettingError(message) from error

    def _probe(self, ids: Tensor, mask: Tensor) -> Any:
        ids, mask = ids.to(self.device), mask.to(self.device)
        return self._run(ids, mask, torch.zeros_like(ids), use_all_layers=True)


def _autocast(
    device: torch.device, dtype: torch.dtype | None
) -> contextlib.AbstractContextManager[Any]:
    if dtype is None or dtype == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=dtype)
