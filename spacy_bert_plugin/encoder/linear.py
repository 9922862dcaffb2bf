"""Linear maps, with weights made ready once for prediction.

With gradients a linear map is `F.linear` on the parameters, or on copies of them in half
precision. In prediction the weights of one map, or of several that read the same input, are put
side by side, cast or quantised, and on CPU reordered into the blocked layout of oneDNN, whose
kernels then need neither a copy nor a cast of them. Docs:
https://uxlfoundation.github.io/oneDNN/dev_guide_matmul.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .gradients import apply_half_linear
from .quantized import Int8Weights, apply_int8, quantize_weights

Key = tuple[tuple[int, int], ...]
Weighted = nn.Linear | nn.LayerNorm
# Activations that oneDNN computes inside the linear map: its name and algorithm for each.
_FUSED = {
    "none": ("none", ""),
    "gelu": ("gelu", "none"),
    "gelu_tanh": ("gelu", "tanh"),
    "relu": ("relu", ""),
}


def _gelu_tanh(x: Tensor) -> Tensor:
    return F.gelu(x, approximate="tanh")


def _identity(x: Tensor) -> Tensor:
    return x


_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": _identity,
    "gelu": F.gelu,
    "gelu_tanh": _gelu_tanh,
    "relu": F.relu,
    "silu": F.silu,
}


def apply_linear(
    x: Tensor,
    layers: Sequence[nn.Linear],
    cache: WeightCache,
    *,
    activation: str = "none",
    use_int8: bool = False,
    dtype: torch.dtype | None = None,
    is_spent: bool = False,
) -> Tensor:
    """Apply linear maps that read the same input, then an activation.

    x: Input. Its type is the one that is computed in, unless another is asked for.
    layers: The maps. Their outputs lie side by side in the result.
    cache: Where the weights of these maps are kept ready.
    activation: "none" or one of `config.ACTIVATIONS`.
    use_int8: Whether to quantise. Not where a gradient flows.
    dtype: Type to compute in, or of the result of a quantised map; None: that of `x`.
    is_spent: Whether `x` may be written over, where no gradient flows.
    Shape: x (n, in) -> (n, sum of out).
    """
    if use_int8 and not needs_plain_path(x, layers):
        quantized = cache.get(layers, torch.int8).int8
        if quantized is not None:
            y = apply_int8(x, quantized, is_spent=is_spent)
            y = torch.ops.aten.gelu_(y) if activation == "gelu" else _ACTIVATIONS[activation](y)
            return y.to(dtype or x.dtype)
    x = x if dtype is None else x.to(dtype)
    if needs_gradient(x, layers) and x.dtype != layers[0].weight.dtype:
        ready = cache.get(layers, x.dtype, is_plain=True)
        sources = [param for layer in layers for param in (layer.weight, layer.bias)]
        half = apply_half_linear(x, ready.weight, ready.bias, sources)
        return _ACTIVATIONS[activation](half)
    weights = find_weights(x, layers, cache)
    if not weights.is_reordered:
        return _ACTIVATIONS[activation](F.linear(x, weights.weight, weights.bias))
    attr, algorithm = _FUSED.get(activation, _FUSED["none"])
    y = torch.ops.mkldnn._linear_pointwise(
        x.contiguous(), weights.weight, weights.bias, attr, [], algorithm
    )
    return y if activation in _FUSED else _ACTIVATIONS[activation](y)


def apply_norm(x: Tensor, norm: nn.LayerNorm, cache: WeightCache) -> Tensor:
    """Normalise each vector. Means and variances are computed in fp32 whatever the type.

    Paper: Ba et al., Layer Normalization, https://arxiv.org/abs/1607.06450

    x: Input.
    norm: Weights, of any type.
    cache: Where its weights are kept ready.
    Shape: x (n, width) -> (n, width).
    """
    if x.dtype == norm.weight.dtype or x.device.type == "cpu":  # on CPU the types may differ
        return F.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
    weights = find_weights(x, (norm,), cache)
    return F.layer_norm(x, norm.normalized_shape, weights.weight, weights.bias, norm.eps)


def find_weights(x: Tensor, layers: Sequence[Weighted], cache: WeightCache) -> ReadyWeights:
    """Return the parameters themselves or, in prediction, what the cache has made of them.

    x: The input, which sets the type.
    layers: Whose parameters. Of several, they lie side by side.
    cache: Where they are kept ready.
    """
    if not needs_plain_path(x, layers):
        return cache.get(layers, x.dtype)
    weight, bias = _join(layers)
    bias = None if bias is None else bias.to(x.dtype)
    return ReadyWeights((), (), weight.to(x.dtype), bias, is_reordered=False)


def needs_plain_path(x: Tensor, layers: Sequence[Weighted]) -> bool:
    """Tell whether the parameters themselves have to be used.

    They have to where a gradient flows, where autocast chooses the types, and where torch keeps
    no count of changes to them.
    """
    if needs_gradient(x, layers):
        return True
    return torch.is_autocast_enabled(x.device.type) or layers[0].weight.is_inference()


def needs_gradient(x: Tensor, layers: Sequence[Weighted]) -> bool:
    """Tell whether a gradient flows to the input or to a parameter."""
    return torch.is_grad_enabled() and (
        x.requires_grad or any(param.requires_grad for param in _list_params(layers))
    )


@dataclass(frozen=True)
class ReadyWeights:
    """Weights of one or more maps, or of a norm, as a kernel wants them.

    key: Addresses and change counts of the parameters at the time of making.
    sources: The parameters' memory. Held so that no other tensor can come to lie at its address.
    int8: What was quantised, in an entry of type int8; then `weight` is none.
    Shape: weight (out, in), opaque where it is reordered; bias (out,).
    """

    key: Key
    sources: tuple[Tensor, ...]
    weight: Tensor
    bias: Tensor | None
    is_reordered: bool
    int8: Int8Weights | None = None


class WeightCache:
    """Ready weights of one set of linear maps, by type.

    An entry is made anew when a parameter has another address or was changed in place. It is no
    part of the state of a module: a copied or pickled module starts with an empty one. Threads
    share a cache: reading takes no lock, and what a reader holds never changes.
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[torch.dtype, bool], ReadyWeights] = {}
        self._lock = Lock()

    def get(
        self, layers: Sequence[Weighted], dtype: torch.dtype, *, is_plain: bool = False
    ) -> ReadyWeights:
        """Return the weights of `layers` in a type, made now if they have changed.

        is_plain: Whether they have to keep their layout, as the backward pass asks.
        """
        key, kind = _make_key(layers), (dtype, is_plain)
        entry = self._entries.get(kind)
        if entry is None or entry.key != key:
            with self._lock:
                entry = self._entries.get(kind)
                if entry is None or entry.key != key:
                    entry = self._entries[kind] = _make_ready(layers, dtype, key, is_plain)
        return entry

    def clear(self) -> None:
        """Forget all weights, after a change that torch does not count."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def __deepcopy__(self, memo: dict[int, Any]) -> WeightCache:
        return WeightCache()

    def __reduce__(self) -> tuple[type[WeightCache], tuple[()]]:
        return WeightCache, ()


@cache
def has_onednn(dtype: torch.dtype) -> bool:
    """Tell whether this torch and this processor have the oneDNN kernels for a type."""
    ops = torch.ops.mkldnn
    names = ("_linear_pointwise", "_reorder_linear_weight")
    if not all(hasattr(ops, name) for name in names):
        return False
    if dtype == torch.bfloat16:
        return hasattr(ops, "_is_mkldnn_bf16_supported") and bool(ops._is_mkldnn_bf16_supported())
    return dtype == torch.float32


def _make_key(layers: Sequence[Weighted]) -> Key:
    return tuple((p.data_ptr(), p._version) for p in _list_params(layers))


def _list_params(layers: Sequence[Weighted]) -> list[Tensor]:
    """Weights and biases: asked for at every call, so not by way of `Module.parameters`."""
    found = [layer._parameters[name] for layer in layers for name in ("weight", "bias")]
    return [param for param in found if param is not None]


# Built outside inference mode: an entry made there could not be used where gradients are on.
@torch.inference_mode(False)
@torch.no_grad()
def _make_ready(
    layers: Sequence[Weighted], dtype: torch.dtype, key: Key, is_plain: bool
) -> ReadyWeights:
    sources = tuple(param.detach() for param in _list_params(layers))
    weight, bias = _join(layers)
    if dtype == torch.int8:
        quantized = quantize_weights(weight, bias)
        return ReadyWeights(key, sources, weight.new_empty(0), None, False, quantized)
    weight = weight.detach().to(dtype)
    bias = None if bias is None else bias.detach().to(dtype)
    is_map = weight.dim() == 2
    is_reordered = is_map and not is_plain and weight.device.type == "cpu" and has_onednn(dtype)
    if is_reordered:
        weight = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), None)
    return ReadyWeights(key, sources, weight, bias, is_reordered)


def _join(layers: Sequence[Weighted]) -> tuple[Tensor, Tensor | None]:
    if len(layers) == 1:
        return layers[0].weight, layers[0].bias
    biases: list[Tensor] = [layer.bias for layer in layers if layer.bias is not None]
    weight = torch.cat(tuple(layer.weight for layer in layers))
    return weight, torch.cat(biases) if biases else None
