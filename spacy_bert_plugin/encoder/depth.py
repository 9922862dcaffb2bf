"""Parameters by depth: what to freeze, and what layer-wise learning rates go by.

Paper: Howard and Ruder, Universal Language Model Fine-tuning for Text Classification, section 3.2,
https://arxiv.org/abs/1801.06146
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from torch import nn

from ..errors import Errors, SettingError
from ..typedefs import Encoder

Group = list[tuple[str, nn.Parameter]]


def group_by_depth(encoder: Encoder) -> list[Group]:
    """Sort the parameters of an encoder by depth.

    encoder: Any encoder.
    RETURNS: n_layers + 1 groups of names and parameters: the embeddings first, then each layer.
        What comes after the layers, such as a pooler, is in the last group.
    """
    top = encoder.config.n_layers
    groups: list[Group] = [[] for _ in range(top + 1)]
    for name, parameter, depth in _iter_depths(encoder):
        groups[min(depth, top)].append((name, parameter))
    return groups


def freeze_layers(encoder: Encoder, n_layers: int | Literal["all"]) -> None:
    """Keep the embeddings and the lowest layers as they are: they get no gradient.

    encoder: Any encoder.
    n_layers: Number of layers; 0 freezes nothing, -1 or "all" the whole encoder, with what comes
        after the layers, such as a pooler.
    Raises: SettingError if there are not so many layers.
    """
    high = encoder.config.n_layers
    is_all = n_layers in ("all", -1)
    if not is_all and (type(n_layers) is not int or not 0 <= n_layers <= high):
        raise SettingError(Errors.SB211.format(got=n_layers, high=high))
    for _, parameter, depth in _iter_depths(encoder):
        if is_all or (n_layers and depth <= int(n_layers)):
            parameter.requires_grad_(False)


def _iter_depths(encoder: Encoder) -> Iterator[tuple[str, nn.Parameter, int]]:
    """Yield 0 for parameters before the layers, then 1 to n_layers, then n_layers + 1."""
    depths = {
        id(parameter): number
        for number, layer in enumerate(encoder.layers, start=1)
        for parameter in layer.parameters()
    }
    default = 0
    for name, parameter in encoder.named_parameters():
        depth = depths.get(id(parameter))
        if depth is not None:
            default = encoder.config.n_layers + 1
        yield name, parameter, default if depth is None else depth
