"""What goes into an encoder and what comes out: windows laid end to end, without padding.

windows   [CLS] a b [SEP]   [CLS] c [SEP]
ids          101 7 8 102       101 9 102      one tensor of 7 pieces
positions      0 1 2 3           0 1 2
lengths                4             3
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

from ..errors import Errors, SettingError


@dataclass(frozen=True, eq=False)
class PackedInput:
    """Pieces of all windows of a batch, end to end.

    ids: Piece ids, int64.
    positions: Place of each piece in its own window, from 0, int64.
    segments: Segment ids, int64; all 0 for single texts.
    lengths: Pieces of each window, on the host, so that no device has to be asked for them.
        Windows sorted by length run without a copy; any order gives the same vectors.
    Shape: ids, positions and segments (n_pieces,).
    Raises: SettingError if the parts do not fit each other.
    """

    ids: Tensor
    positions: Tensor
    segments: Tensor
    lengths: tuple[int, ...]

    def __post_init__(self) -> None:
        n_pieces = self.ids.numel()
        for name in ("ids", "positions", "segments"):
            tensor: Tensor = getattr(self, name)
            if tensor.shape != (n_pieces,) or tensor.dtype != torch.int64:
                expected = f"int64 and shape ({n_pieces},)"
                got = f"{tensor.dtype} and shape {tuple(tensor.shape)}"
                raise SettingError(Errors.SB205.format(name=name, expected=expected, got=got))
        if sum(self.lengths) != n_pieces or min(self.lengths, default=0) < 0:
            got = f"{len(self.lengths)} windows of {sum(self.lengths)} pieces"
            raise SettingError(Errors.SB206.format(expected=n_pieces, got=got))

    @property
    def n_pieces(self) -> int:
        """Number of pieces of all windows."""
        return self.ids.shape[0]

    @property
    def n_windows(self) -> int:
        """Number of windows."""
        return len(self.lengths)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> PackedInput:
        """Return the same input with its tensors on another device.

        device: Where to.
        non_blocking: Do not wait for the copy.
        """
        parts = (self.ids, self.positions, self.segments)
        moved = [part.to(device, non_blocking=non_blocking) for part in parts]
        return PackedInput(moved[0], moved[1], moved[2], self.lengths)


@dataclass(frozen=True, eq=False)
class EncoderOutput:
    """Vectors of an encoder for a packed input.

    last: Output of the last layer.
    layers: Output of the embeddings and of every layer, where they were asked for.
    Shape: last (n_pieces, width); layers n_layers + 1 times (n_pieces, width).
    """

    last: Tensor
    layers: tuple[Tensor, ...] | None = None


def pack(
    windows: Sequence[Sequence[int]], *, device: torch.device | str | None = None
) -> PackedInput:
    """Lay windows of piece ids end to end, all in segment 0.

    windows: Piece ids of each window, special pieces included.
    device: Device of the tensors.
    """
    lengths = tuple(len(window) for window in windows)
    ids = torch.tensor(list(chain.from_iterable(windows)), dtype=torch.int64, device=device)
    positions = [position for length in lengths for position in range(length)]
    return PackedInput(
        ids,
        torch.tensor(positions, dtype=torch.int64, device=device),
        torch.zeros_like(ids),
        lengths,
    )
