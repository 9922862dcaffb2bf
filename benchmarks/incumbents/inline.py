"""Pytest plugin: spaCy's default encoder becomes an encoder of ours, one for each component."""

from typing import Any

from spacy.util import registry
from thinc.api import Model

from .tiny import fit_sizes, set_training, write_tokenizer

NAMES = ("spacy.HashEmbedCNN.v1", "spacy.HashEmbedCNN.v2")


def pytest_configure(config: Any) -> None:
    set_training()
    registry.ensure_populated()
    for name in NAMES:
        registry.architectures.register(name, func=build_inline)


def build_inline(
    width: int,
    depth: int,
    embed_size: int,
    window_size: int,
    maxout_pieces: int,
    subword_features: bool,
    pretrained_vectors: bool | None,
) -> Model[Any, Any]:
    """Take the settings of a `HashEmbedCNN`, of which only the width means something here."""
    from spacy_bert_plugin.layers import build_bert_encoder_v1

    return build_bert_encoder_v1(name=None, sizes=fit_sizes(width), tokenizer=write_tokenizer())
