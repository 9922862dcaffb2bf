"""Random states: read, written as JSON, and put back."""

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from thinc.compat import cupy, has_cupy_gpu


@dataclass(frozen=True)
class HostState:
    """State of Python's and of NumPy's global generator."""

    python: tuple[Any, ...]
    numpy: tuple[Any, ...]

    @classmethod
    def capture(cls) -> "HostState":
        """Read the state that the generators have now."""
        return cls(random.getstate(), np.random.get_state(legacy=True))  # type: ignore[arg-type]

    def restore(self) -> None:
        """Give the generators this state."""
        random.setstate(self.python)
        np.random.set_state(self.numpy)

    def to_json(self) -> dict[str, Any]:
        """Say the state in lists and numbers."""
        version, words, gauss = self.python
        name, keys, position, has_gauss, cached = self.numpy
        return {
            "python": [version, list(words), gauss],
            "numpy": [name, [int(key) for key in keys], position, has_gauss, cached],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "HostState":
        """Read what `to_json` gave."""
        version, words, gauss = data["python"]
        name, keys, *rest = data["numpy"]
        numpy = (name, np.asarray(keys, dtype=np.uint32), *rest)
        return cls((version, tuple(words), gauss), numpy)


def capture_random() -> dict[str, Any]:
    """Read the states of Python, NumPy and torch, devices included, as JSON values."""
    data = HostState.capture().to_json()
    data["torch"] = _to_hex(torch.get_rng_state())
    if torch.cuda.is_available():
        data["cuda"] = [_to_hex(state) for state in torch.cuda.get_rng_state_all()]
    return data


def restore_random(data: dict[str, Any]) -> None:
    """Put back what `capture_random` read."""
    HostState.from_json(data).restore()
    torch.set_rng_state(_from_hex(data["torch"]))
    if torch.cuda.is_available():
        for device, state in enumerate(data.get("cuda", [])[: torch.cuda.device_count()]):
            torch.cuda.set_rng_state(_from_hex(state), device)


def reseed_cupy(seed: int) -> None:
    """Seed CuPy's generator, whose state cannot be read.

    Called whenever the state of a run is saved and when it goes on, it lets both have the same
    numbers from there.
    """
    if has_cupy_gpu:
        cupy.random.seed(seed)


def _to_hex(state: torch.Tensor) -> str:
    return state.cpu().numpy().tobytes().hex()


def _from_hex(text: str) -> torch.Tensor:
    return torch.frombuffer(bytearray.fromhex(text), dtype=torch.uint8)
