"""What annotation says about the numbers of texts."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from spacy.training import Example

from ..errors import DataError, Errors

Floats = npt.NDArray[np.float64]


def find_targets(examples: Iterable[Example]) -> list[str]:
    """Collect the names of annotated numbers, in the order in which they are met."""
    return list(dict.fromkeys(name for example in examples for name in example.reference.cats))


def read_numbers(examples: Sequence[Example], targets: Sequence[str], *, name: str) -> Floats:
    """Read the numbers of texts: NaN where the annotation does not say.

    name (str): Of the component, for messages.
    RAISES (DataError): A value is no finite number.
    Shape: (n_examples, n_targets)
    """
    found = np.full((len(examples), len(targets)), np.nan)
    for row, example in enumerate(examples):
        cats: dict[str, Any] = example.reference.cats
        for column, target in enumerate(targets):
            if target not in cats:
                continue
            value = cats[target]
            if not isinstance(value, int | float) or not np.isfinite(value):
                raise DataError(Errors.SB863.format(name=name, target=target, got=repr(value)))
            found[row, column] = value
    return found
