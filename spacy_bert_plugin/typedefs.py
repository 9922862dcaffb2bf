"""What rooms share: what a component may ask of any encoder, what an optimizer is handed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class Packed(Protocol):
    """Windows laid end to end. `encoder.PackedInput` is one.

    Shape: ids, positions and segments (n_pieces,); lengths one number for each window.
    """

    @property
    def ids(self) -> Tensor: ...
    @property
    def positions(self) -> Tensor: ...
    @property
    def segments(self) -> Tensor: ...
    @property
    def lengths(self) -> tuple[int, ...]: ...


class Encoded(Protocol):
    """Vectors of packed pieces. `encoder.EncoderOutput` is one.

    Shape: last (n_pieces, width); layers n_layers + 1 times (n_pieces, width), or None.
    """

    @property
    def last(self) -> Tensor: ...
    @property
    def layers(self) -> tuple[Tensor, ...] | None: ...


class EncoderSizes(Protocol):
    """The sizes that every encoder knows of itself."""

    @property
    def vocab_size(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def n_layers(self) -> int: ...
    @property
    def n_segments(self) -> int: ...
    @property
    def max_pieces(self) -> int: ...
    @property
    def use_pooler(self) -> bool: ...


class Encoder(Protocol):
    """A torch module that turns packed pieces into packed vectors.

    It stays in eval mode: dropout is an argument, so that a prediction in one thread is not
    disturbed by an update in another.
    """

    @property
    def config(self) -> EncoderSizes: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def layers(self) -> Iterable[nn.Module]: ...

    def __call__(
        self,
        packed: Packed,
        *,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        use_all_layers: bool = False,
        dtype: torch.dtype | None = None,
        quantization: Any = None,
    ) -> Encoded: ...

    def pool(self, first: Tensor) -> Tensor: ...
    def forget_weights(self) -> None: ...
    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]: ...
    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Parameter]]: ...
    def to(self, device: torch.device | str, /) -> object: ...
    def state_dict(self) -> dict[str, Tensor]: ...


@dataclass(frozen=True)
class ParamGroup:
    """Parameters that are stepped at one learning rate.

    params: With the names that they have in their module.
    scale: Factor on the learning rate.
    is_head: Whether they belong to a head, not to an encoder.
    """

    params: Sequence[tuple[str, nn.Parameter]]
    scale: float = 1.0
    is_head: bool = False
