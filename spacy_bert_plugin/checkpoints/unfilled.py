"""Modules without random weights, for weights that come from a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

_INITIALISERS: frozenset[Any] = frozenset(
    {nn.init.kaiming_uniform_, nn.init.normal_, nn.init.uniform_}
)
# Skipped without memory only: `trunc_normal_` draws until all numbers lie within its bounds.
_METHODS: frozenset[Any] = frozenset({torch.Tensor.normal_, torch.Tensor.uniform_})


class _NoRandom(TorchFunctionMode):
    """Returns tensors as they are where they would be filled with random numbers."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in _INITIALISERS:
            return args[0] if args else kwargs["tensor"]
        if func in _METHODS and args[0].is_meta:
            return args[0]
        return func(*args, **kwargs)


@contextmanager
def skip_random_weights(*, device: str = "cpu") -> Iterator[None]:
    """Build modules whose weights are not filled, in this thread only.

    Random numbers take most of the time that building a model takes, and on the device "meta"
    they make torch import its compiler.

    device (str): Where new tensors are; on "meta" they have shapes but no memory.
    """
    with torch.device(device), _NoRandom():
        yield
