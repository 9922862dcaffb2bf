"""Parts of `doc._.trf_data` as other libraries name them: pieces, outputs, pooled windows."""

import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..typedefs import Encoder

THEIR_MODULE = "spacy_transformers.data_classes"


@dataclass
class Wordpieces:
    """Pieces by window, padded, as in spacy-transformers.

    Shape: input_ids, attention_mask and token_type_ids (n_windows, n_longest)
    """

    strings: list[list[str]]
    input_ids: Any
    attention_mask: Any
    lengths: list[int]
    token_type_ids: Any

    def __len__(self) -> int:
        return len(self.strings)

    def __getitem__(self, index: int | slice) -> "Wordpieces":
        part = slice(index, index + 1) if isinstance(index, int) else index
        return Wordpieces(
            self.strings[part],
            self.input_ids[part],
            self.attention_mask[part],
            self.lengths[part],
            self.token_type_ids[part],
        )

    def to_dict(self) -> dict[str, Any]:
        """All of it by name."""
        return asdict(self)


class ModelOutput(OrderedDict[str, Any]):
    """Outputs of an encoder by name, which are attributes as well, as in transformers.

    hidden_states: An attribute alone, so that it is none of the tensors.
    """

    def __init__(self, named: dict[str, Any], *, hidden_states: tuple[Any, ...]) -> None:
        super().__init__(named)
        self.__dict__.update(named, hidden_states=hidden_states)

    def to_tuple(self) -> tuple[Any, ...]:
        """The outputs in order."""
        return tuple(self.values())


def pool_windows(encoder: Encoder, window_layers: Sequence[Tensor]) -> Any:
    """Run the checkpoint's pooler over the first piece of every window.

    window_layers: Every hidden state of each window.
        Shape: (n_layers + 1, n_window_pieces, width) each
    RETURNS: On the host; None if the checkpoint has no pooler. Shape: (n_windows, width)
    """
    if not getattr(encoder.config, "use_pooler", False):
        return None
    if not window_layers:
        return np.zeros((0, encoder.config.width), dtype=np.float32)
    firsts = torch.stack([layers[-1, 0] for layers in window_layers])
    with torch.inference_mode():
        return encoder.pool(firsts.to(encoder.device)).float().cpu().numpy()


def find_class(cls: type[Any]) -> type[Any]:
    """The class to make, so that code of spacy-transformers takes it for its own if that is there.

    cls (type): A class of ours.
    RETURNS (type): The same, or one that is their `TransformerData` as well.
    """
    module = sys.modules.get(THEIR_MODULE)
    if module is None:
        return cls
    ours: Any = cls
    joined: type[Any] = _join(ours, module.TransformerData)
    return joined


@cache
def _join(cls: Any, theirs: Any) -> type[Any]:
    # Their `width` is a property, ours a field: a plain attribute of the class lets it be set.
    return type(cls.__name__, (cls, theirs), {"width": 0})
