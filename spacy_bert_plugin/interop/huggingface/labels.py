"""Names of the outputs of a head, as config.json gives them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import CheckpointError, Errors

# What transformers calls outputs that nobody has named.
_GENERIC = re.compile(r"LABEL_\d+")
# A file that names none has as many outputs as this: transformers leaves out what is its default.
N_DEFAULT = 2


def read_labels(
    config: Mapping[str, Any], n_outputs: int, *, given: Sequence[str] = (), source: str
) -> list[str]:
    """Names of all outputs, in order.

    config: The parsed config.json.
    given: Names that take the place of those in the file.
    RAISES (CheckpointError): There is not one name for each output.
    """
    names: Any = config.get("id2label")
    labels: list[Any]
    if given:
        labels = list(given)
    elif isinstance(names, Mapping):
        by_id = {str(key): value for key, value in names.items()}
        labels = [by_id.get(str(i)) for i in range(max(n_outputs, len(by_id)))]
    elif names is None and n_outputs == N_DEFAULT:
        labels = [f"LABEL_{i}" for i in range(n_outputs)]
    else:
        labels = []
    is_named = all(isinstance(label, str) and label for label in labels)
    if not is_named or len(labels) != n_outputs or len(set(labels)) < n_outputs:
        got = ", ".join(str(label)[:40] for label in labels[:12]) or "missing"
        raise CheckpointError(
            Errors.SB749.format(source=source, n_outputs=n_outputs, got=got, last=n_outputs - 1)
        )
    return [str(label) for label in labels]


def are_generic(labels: Sequence[str]) -> bool:
    """Whether nobody has named the outputs."""
    return all(_GENERIC.fullmatch(label) for label in labels)


def is_exclusive(
    config: Mapping[str, Any], n_outputs: int, *, given: bool | None, source: str
) -> bool:
    """Whether exactly one category of a text holds.

    given: What the user says, if anything.
    RAISES (CheckpointError): The model predicts a number.
    """
    kind = config.get("problem_type")
    if kind == "regression" and given is None:
        raise CheckpointError(Errors.SB750.format(source=source, reason="problem_type: regression"))
    exclusive = kind != "multi_label_classification" if given is None else given
    if n_outputs == 1 and exclusive:
        raise CheckpointError(Errors.SB750.format(source=source, reason="one output"))
    return exclusive
