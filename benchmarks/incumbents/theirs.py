"""Pytest plugin: the shared encoder of spacy-transformers becomes ours.

LISTENERS=theirs keeps its listeners in the heads, as in a pipeline that was sourced from it;
LISTENERS=ours makes them ours as well.
"""

import os
import sys
from typing import Any

import pytest
from spacy.language import Language
from thinc.api import Model

from spacy_bert_plugin.interop.spacy_transformers.changes import Changes
from spacy_bert_plugin.interop.spacy_transformers.convert_config import iter_blocks
from spacy_bert_plugin.interop.spacy_transformers.encoder_config import convert_encoder
from spacy_bert_plugin.interop.spacy_transformers.listener_config import (
    SHARED,
    convert_inline,
    convert_listener,
    is_inline,
)
from spacy_bert_plugin.layers import BertListener
from spacy_bert_plugin.pipeline.bert_transformer import BertTransformer
from spacy_bert_plugin.pipeline.trf_data import TransformerOutput

USE_OURS = os.environ.get("LISTENERS") == "ours"
# What tests of types compare with, in the modules of the tests.
TYPES: dict[str, type] = {"Transformer": BertTransformer, "TransformerData": TransformerOutput}
TYPES.update({"TransformerListener": BertListener} if USE_OURS else {})
_build, _add_pipe, _get_ref = Language.from_config.__func__, Language.add_pipe, Model.get_ref


def pytest_configure(config: pytest.Config) -> None:
    Language.from_config = classmethod(from_config)
    Language.add_pipe = add_pipe
    if USE_OURS:
        Model.get_ref = get_ref


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for module in {item.getparent(pytest.Module).obj for item in items}:
        for name, ours in TYPES.items():
            if hasattr(module, name):
                setattr(module, name, ours)


def from_config(cls: type[Language], config: Any = None, *args: Any, **kwargs: Any) -> Language:
    config = {} if config is None else config.copy()
    components = config.get("components") or {}
    for name, block in components.items():
        if isinstance(block, dict) and block.get("factory") == "transformer":
            components[name] = convert(name, block)
    for section, parent, key in list(iter_blocks(config)):
        kind = parent[key].get("@architectures")
        if is_inline(kind):
            parent[key] = convert_inline(section, parent[key], Changes(), is_trained=False)
        elif USE_OURS and kind == SHARED:
            parent[key] = convert_listener(section, parent[key], Changes(), is_trained=False)
    return _build(cls, config, *args, **kwargs)


def add_pipe(self: Language, factory_name: str, name: str | None = None, **kwargs: Any) -> Any:
    if factory_name == "transformer" and kwargs.get("source") is None:
        block = convert(factory_name, {"factory": factory_name, **(kwargs.get("config") or {})})
        factory_name = block.pop("factory")
        return _add_pipe(self, factory_name, name or "transformer", **{**kwargs, "config": block})
    return _add_pipe(self, factory_name, name, **kwargs)


def convert(name: str, block: dict[str, Any]) -> dict[str, Any]:
    """Convert a block as `spacy bert import-config` does, and keep what theirs leaves on a Doc."""
    return {**convert_encoder(name, block, None, Changes(), is_trained=False), "keep": "all"}


class Slot:
    """A listener of ours where a test looks for a chain of a listener and a pooling layer."""

    def __init__(self, listener: BertListener) -> None:
        self.listener, self.layers = listener, [listener]

    def get_ref(self, name: str) -> BertListener:
        return self.listener

    def __getattr__(self, name: str) -> Any:
        return getattr(self.listener, name)


def get_ref(self: Model[Any, Any], name: str) -> Any:
    found = _get_ref(self, name)
    caller = sys._getframe(1).f_code.co_filename
    is_test = os.sep + os.path.join("spacy_transformers", "tests") + os.sep in caller
    return Slot(found) if is_test and isinstance(found, BertListener) else found
