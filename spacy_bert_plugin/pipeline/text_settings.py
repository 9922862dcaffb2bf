"""What the settings of `bert_textcat` may be."""

import math
from collections.abc import Sequence
from typing import Any

from ..errors import Errors, SettingError

BALANCED = "balanced"


def check_settings(
    *, threshold: float, class_weights: Any, focal_gamma: float, label_smoothing: float
) -> None:
    """RAISES (SettingError): A setting has a value that cannot work."""
    ranges = {
        "threshold": (threshold, 0.0 <= threshold <= 1.0, "from 0.0 to 1.0"),
        "focal_gamma": (focal_gamma, 0.0 <= focal_gamma < math.inf, "at least 0.0"),
        "label_smoothing": (
            label_smoothing, 0.0 <= label_smoothing < 1.0, "at least 0.0 and below 1.0"
        ),
    }  # fmt: skip
    for name, (value, is_good, expected) in ranges.items():
        if not is_good:
            raise SettingError(Errors.SB002.format(name=name, expected=expected, got=value))
    is_dict = isinstance(class_weights, dict)
    if is_dict and all(0.0 <= weight < math.inf for weight in class_weights.values()):
        return
    if class_weights not in (None, BALANCED):
        expected = 'weights of at least 0.0 by label, "balanced" or null'
        raise SettingError(
            Errors.SB002.format(name="class_weights", expected=expected, got=class_weights)
        )


def check_labels(
    name: str,
    *,
    exclusive: bool,
    labels: Sequence[str],
    positive_label: str | None,
    class_weights: dict[str, float],
    **_: Any,
) -> None:
    """RAISES (SettingError): There are too few labels, or other settings do not fit them."""
    least = 2 if exclusive else 1
    if len(labels) < least:
        raise SettingError(Errors.SB384.format(name=name, least=least, labels=labels))
    is_binary = exclusive and len(labels) == 2
    if positive_label is not None and not (is_binary and positive_label in labels):
        raise SettingError(Errors.SB385.format(name=name, got=positive_label, labels=labels))
    unknown = sorted(set(class_weights) - set(labels))
    if unknown:
        raise SettingError(Errors.SB518.format(name=name, unknown=unknown, labels=labels))
