"""Weights whose names in the file are others than in the model: Nomic BERT, GTE, Jina v3.

Newer releases of transformers know how to rename, split and join such tensors. They get the
tensors, read and checked here, never the folder.
"""

import contextlib
from collections.abc import Collection, Iterator
from typing import Any

from torch import nn

from ..errors import CheckpointError, Errors
from .shards import Weights


def is_renamed(names: Collection[str], needed: Collection[str], model_type: str) -> bool:
    """Whether a file has to be converted.

    names (Collection[str]): Tensors of the file, without the prefix of the encoder.
    needed (Collection[str]): Parameters of the model.
    model_type (str): Its architecture.
    RETURNS (bool): Some parameter is not in the file under its name, and the installed
        transformers knows other names for this architecture.
    """
    if set(needed) <= set(names):
        return False
    try:
        from transformers.conversion_mapping import get_checkpoint_conversion_mapping
    except ImportError:  # transformers 4
        return False
    return get_checkpoint_conversion_mapping(model_type) is not None


def convert_weights(empty: nn.Module, weights: Weights) -> tuple[nn.Module, set[str], set[str]]:
    """Build a model from tensors with other names.

    empty (nn.Module): The same model without weights.
    weights (Weights): The file.
    RETURNS: The model; its tensors that the file lacks; names of the file that it does not have.
    RAISES (CheckpointError): A tensor is damaged or misshapen, or transformers refuses them.
    """
    kind: Any = type(empty)
    tensors = dict(weights.read(weights.entries))
    try:
        with _hide_progress():
            model, info = kind.from_pretrained(
                None, config=empty.config, state_dict=tensors, output_loading_info=True
            )
    # transformers raises RuntimeError, ValueError and others for tensors that do not fit.
    except Exception as error:
        raise CheckpointError(Errors.SB326.format(source=weights.source, error=error)) from error
    wrong = [str(name) for name in info["mismatched_keys"]]
    if wrong:
        problem = f"shapes differ: {', '.join(sorted(wrong)[:10])}"
        raise CheckpointError(Errors.SB326.format(source=weights.source, error=problem))
    return model, set(info["missing_keys"]), set(info["unexpected_keys"])


@contextlib.contextmanager
def _hide_progress() -> Iterator[None]:
    from transformers.utils import logging

    was_shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_shown:
            logging.enable_progress_bar()
