"""Checks of the settings that heads with a layer before their scores share."""

from typing import Any

from ..errors import Errors, SettingError
from ..heads import ACTIVATIONS


def check_hidden(*, hidden_width: int, activation: str, norm_eps: float) -> None:
    """RAISES (SettingError): A setting of the layer cannot work."""
    values: dict[str, tuple[Any, bool, str]] = {
        "hidden_width": (hidden_width, hidden_width >= 0, "at least 0"),
        "activation": (activation, activation in ACTIVATIONS, f"one of {', '.join(ACTIVATIONS)}"),
        "norm_eps": (norm_eps, norm_eps > 0.0, "above 0.0"),
    }
    for name, (value, is_good, expected) in values.items():
        if not is_good:
            raise SettingError(Errors.SB002.format(name=name, expected=expected, got=value))
