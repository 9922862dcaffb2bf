"""In which number formats one call of an encoder computes."""

from dataclasses import dataclass

import torch

from ..batching import check_precision
from ..encoder import MAPS, Quantization, has_int8
from ..errors import Errors, SettingError
from ..typedefs import Encoder
from .settings import EncoderSettings

# Pieces of a forward pass where a config does not say: on a processor what its caches hold, on
# other devices what keeps them busy for longer than it takes to ask for it.
CPU_PIECES = 1024
DEVICE_PIECES = 32_768


@dataclass(frozen=True)
class Computing:
    """Number format of the linear layers, and what is quantised instead."""

    dtype: torch.dtype
    quantization: Quantization | None = None


def choose_computing(
    settings: EncoderSettings, device: torch.device, *, is_train: bool
) -> Computing:
    """Turn settings into number formats.

    RAISES (SettingError): The device lacks the format, or int8 is asked to learn.
    """
    dtype = check_precision(settings.precision, device)
    if dtype != torch.int8:
        return Computing(dtype)
    if is_train:
        raise SettingError(Errors.SB254)
    if not has_int8():
        raise SettingError(Errors.SB253.format(device=f"this release of torch on {device}"))
    between = check_precision("auto", device)
    return Computing(torch.float32, Quantization(between, tuple(settings.int8_skip)))


def check_skipped(settings: EncoderSettings, encoder: Encoder) -> None:
    """RAISES (SettingError): 'int8_skip' names a layer that this encoder does not have."""
    n_layers = encoder.config.n_layers
    wrong = [
        name
        for name in settings.int8_skip
        if "." in name and int(name.partition(".")[2]) >= n_layers
    ]
    if wrong:
        raise SettingError(Errors.SB255.format(got=wrong, maps=", ".join(MAPS)))


def find_budget(settings: EncoderSettings, device: torch.device) -> int:
    """Most pieces of a forward pass in prediction."""
    if settings.batch_pieces is not None:
        return settings.batch_pieces
    return CPU_PIECES if device.type == "cpu" else DEVICE_PIECES
