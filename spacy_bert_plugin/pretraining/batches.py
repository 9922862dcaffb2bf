"""Windows of a batch laid end to end, masked, with what is to be guessed beside them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..encoder import PackedInput
from ..pieces import IntArray
from .frame import Frame
from .masking import MaskSettings, mask_pieces
from .store import PieceStore


@dataclass(frozen=True, eq=False)
class PretrainingBatch:
    """What goes into one forward pass, and what should come out.

    packed: Windows, the longest first.
    rows: The pieces to guess. Shape: (n_hidden,), int64
    targets: What they are. Shape: (n_hidden,), int64
    firsts: First piece of each window. Shape: (n_windows,), int64
    follows: 0 where the second text follows the first, 1 where not, -100 without an answer.
        Shape: (n_windows,), int64
    n_pairs: Number of windows with an answer, on the host.
    """

    packed: PackedInput
    rows: Tensor
    targets: Tensor
    firsts: Tensor
    follows: Tensor
    n_pairs: int

    @property
    def n_hidden(self) -> int:
        """Number of pieces to guess."""
        return len(self.rows)

    def to(self, device: torch.device) -> "PretrainingBatch":
        """Return the same batch on another device."""
        parts = (self.rows, self.targets, self.firsts, self.follows)
        if device.type == "cpu":
            return self
        moved = [part.pin_memory().to(device, non_blocking=True) for part in parts]
        packed = self.packed
        inside = [part.pin_memory() for part in (packed.ids, packed.positions, packed.segments)]
        pinned = PackedInput(inside[0], inside[1], inside[2], packed.lengths)
        there = pinned.to(device, non_blocking=True)
        return PretrainingBatch(there, moved[0], moved[1], moved[2], moved[3], self.n_pairs)


@dataclass(frozen=True)
class Collator:
    """Makes batches of windows.

    store: The corpus.
    frame: Special pieces.
    masking: What is hidden.
    use_segments: Whether the encoder takes segment ids.
    """

    store: PieceStore
    frame: Frame
    masking: MaskSettings
    use_segments: bool

    def collate(self, windows: IntArray, *, key: int) -> PretrainingBatch:
        """Lay windows end to end and mask them.

        windows: What `WindowPlanner.plan` gives.
        key: Of the epoch: see `make_key`.
        Shape: windows (n_windows, 5)
        """
        order = np.argsort(-measure(windows, self.frame), kind="stable")
        windows = windows[order]
        lengths = measure(windows, self.frame)
        places, segments = self._place(windows)
        owners = np.repeat(np.arange(len(windows)), lengths)
        starts = np.cumsum(lengths) - lengths
        special = self._list_special()
        ids = np.where(
            places < 0,
            special[np.minimum(places, -1)],  # from the end
            self._read(np.maximum(places, 0)),
        )
        hidden, rows = ids, np.zeros(0, dtype=np.int64)
        if self.masking.weight:
            begins = _find_begins(self.store.sentences, places)
            hidden, rows = mask_pieces(
                ids, places, owners, begins, frame=self.frame, settings=self.masking, key=key
            )
        positions = np.arange(len(ids)) - np.repeat(starts, lengths)
        packed = PackedInput(
            torch.from_numpy(hidden),
            torch.from_numpy(positions),
            torch.from_numpy(segments if self.use_segments else np.zeros_like(segments)),
            tuple(lengths.tolist()),
        )
        targets = torch.from_numpy(ids[rows])
        follows = torch.from_numpy(np.ascontiguousarray(windows[:, 4]))
        return PretrainingBatch(
            packed,
            torch.from_numpy(rows),
            targets,
            torch.from_numpy(starts),
            follows,
            n_pairs=int((follows >= 0).sum()),
        )

    def _place(self, windows: IntArray) -> tuple[IntArray, IntArray]:
        """Place in the store of each piece, below 0 for special ones, and its segment."""
        prefix, middle, suffix = map(len, (self.frame.prefix, self.frame.middle, self.frame.suffix))
        n = len(windows)
        is_pair = windows[:, 3] > windows[:, 2]
        total = prefix + middle + suffix
        begins = np.stack(
            [
                np.full(n, -total),
                windows[:, 0],
                np.full(n, -total + prefix),
                windows[:, 2],
                np.full(n, -suffix),
            ],
            axis=1,
        )
        sizes = np.stack(
            [
                np.full(n, prefix),
                windows[:, 1] - windows[:, 0],
                np.where(is_pair, middle, 0),
                windows[:, 3] - windows[:, 2],
                np.full(n, suffix),
            ],
            axis=1,
        )
        # The second text and what ends it are segment 1; a single text is all segment 0.
        kinds = np.stack([np.zeros(n)] * 3 + [np.ones(n), is_pair], axis=1)
        flat = sizes.ravel()
        offsets = np.cumsum(flat) - flat
        places = np.repeat(begins.ravel() - offsets, flat) + np.arange(int(flat.sum()))
        segments = np.repeat(kinds.ravel().astype(np.int64), flat)
        return places.astype(np.int64), segments

    def _list_special(self) -> IntArray:
        frame = self.frame
        return np.array([*frame.prefix, *frame.middle, *frame.suffix], dtype=np.int64)

    def _read(self, places: IntArray) -> IntArray:
        return self.store.pieces[places].astype(np.int64)


def measure(windows: IntArray, frame: Frame) -> IntArray:
    """Pieces of each window, special ones included. Shape: (n_windows, 5) -> (n_windows,)"""
    second = windows[:, 3] - windows[:, 2]
    lengths: IntArray = windows[:, 1] - windows[:, 0] + second + frame.n_special
    return lengths + np.where(second > 0, len(frame.middle), 0)


def _find_begins(sentences: IntArray, places: IntArray) -> np.ndarray:
    """Whether each piece is the first of a sentence. Shape: (n_pieces,) -> (n_pieces,)"""
    inside = np.maximum(places, 0)
    found = np.searchsorted(sentences, inside, side="left")
    is_begin: np.ndarray = (places >= 0) & (
        sentences[np.minimum(found, len(sentences) - 1)] == inside
    )
    return is_begin
