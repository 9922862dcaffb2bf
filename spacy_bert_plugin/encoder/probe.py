"""What a model of transformers does with a few pieces, found out before its vectors are used.

Not every architecture keeps to what encoders of text have in common: one vector a piece, the same
each time, whatever padding stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import Errors, SettingError
from .adapter_sizes import AdapterConfig

# Two windows; the shorter one has the fewest pieces that a text with special pieces has.
_LENGTHS = (3, 6)
# Rounding differs by less than this share of the largest number; leaks of padding by far more.
_TOLERANCE = 1e-4

RunModel = Callable[[Tensor, Tensor], Any]


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How a model has to be run.

    use_padding: Whether windows of other lengths beside it leave a window's vectors as they are.
    has_layers: Whether it hands out the vectors of every layer, one a piece.
    """

    use_padding: bool
    has_layers: bool


def probe_model(run: RunModel, sizes: AdapterConfig, *, name: str, pad_id: int) -> Habits:
    """Run a model on two short windows, alone and together.

    run: Takes piece ids and a mask of the pieces, gives the model's output with hidden states.
    sizes: The model's sizes.
    name: The model, for messages.
    pad_id: Id of the padding piece.
    Shape: ids and mask (n_windows, n_pieces), int64.
    Raises: SettingError if the model cannot run on pieces alone, does not give one vector a
        piece, or gives other vectors the second time.
    """
    lengths = [min(n, sizes.max_pieces) for n in _LENGTHS]
    windows = [_make_window(n, sizes.vocab_size, pad_id) for n in lengths]
    alone = [_run(run, ids, torch.ones_like(ids), name) for ids in windows]
    for ids, output in zip(windows, alone, strict=True):
        _check_shape(output, ids, sizes, name)
    last = [output.last_hidden_state[0] for output in alone]
    again = _run(run, windows[1], torch.ones_like(windows[1]), name).last_hidden_state[0]
    if not _is_close(again, last[1]):
        raise SettingError(Errors.SB217.format(name=name))
    together = torch.full((2, lengths[1]), pad_id)
    mask = torch.zeros_like(together)
    for row, ids in enumerate(windows):
        together[row, : ids.shape[1]], mask[row, : ids.shape[1]] = ids[0], 1
    padded = _run(run, together, mask, name).last_hidden_state
    use_padding = padded.shape[:2] == together.shape and all(
        _is_close(rows[: len(expected)], expected)
        for rows, expected in zip(padded, last, strict=True)
    )
    layers = getattr(alone[1], "hidden_states", None) or ()
    has_layers = len(layers) == sizes.n_layers + 1 and all(
        layer.shape[1:] == last[1].shape for layer in layers
    )
    return Habits(use_padding=use_padding, has_layers=has_layers)


def _make_window(length: int, vocab_size: int, pad_id: int) -> Tensor:
    """Ids of which none is padding, where there are two. Shape: (1, length)"""
    ids = torch.arange(1, length + 1) * 7 % vocab_size
    return torch.where(ids == pad_id, (ids + 1) % vocab_size, ids)[None]


def _run(run: RunModel, ids: Tensor, mask: Tensor, name: str) -> Any:
    try:
        with torch.no_grad():  # nothing it keeps may be unfit for training
            return run(ids, mask)
    # Models raise whatever their code happens to raise.
    except Exception as error:
        raise SettingError(Errors.SB215.format(name=name, error=error)) from error


def _check_shape(output: Any, ids: Tensor, sizes: AdapterConfig, name: str) -> None:
    last = getattr(output, "last_hidden_state", None)
    expected = (1, ids.shape[1], sizes.width)
    if not isinstance(last, Tensor) or last.shape != expected:
        got = f"one of shape {tuple(last.shape)}" if isinstance(last, Tensor) else "none"
        raise SettingError(Errors.SB216.format(name=name, expected=expected, got=got))


def _is_close(found: Tensor, expected: Tensor) -> bool:
    if not expected.isfinite().all():  # damaged weights: somebody else's message
        return True
    limit = _TOLERANCE * float(expected.abs().max())
    return float((found - expected).abs().max()) <= limit
