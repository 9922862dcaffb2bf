"""Pytest plugin: spaCy's shared `tok2vec` and its listeners become ours, with all their configs."""

from typing import Any

import pytest
from spacy.language import Language

from spacy_bert_plugin.layers import BertListener
from spacy_bert_plugin.pipeline.bert_transformer import BertTransformer

from .tiny import WIDTH, describe_model, set_training

THEIRS, OURS = "spacy.Tok2VecListener.v1", "spacy-bert-plugin.BertListener.v1"
# What tests of types compare with, in the modules of the tests.
TYPES = {"Tok2Vec": BertTransformer, "Tok2VecListener": BertListener}
_build, _add_pipe = Language.from_config.__func__, Language.add_pipe


def pytest_configure(config: pytest.Config) -> None:
    set_training()
    Language.from_config = classmethod(from_config)
    Language.add_pipe = add_pipe


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for module in {item.getparent(pytest.Module).obj for item in items}:
        for name, ours in TYPES.items():
            if hasattr(module, name):
                setattr(module, name, ours)


def from_config(cls: type[Language], config: Any = None, *args: Any, **kwargs: Any) -> Language:
    """Convert a config where a pipeline is built, so that tests may change their text before."""
    config = {} if config is None else config.copy()
    for block in (config.get("components") or {}).values():
        if isinstance(block, dict) and block.get("factory") == "tok2vec":
            settings = make_settings(find_width(block.get("model") or {}))
            block.clear()
            block.update(factory="bert_transformer", **settings)
    replace_listeners(config)
    return _build(cls, config, *args, **kwargs)


def add_pipe(self: Language, factory_name: str, name: str | None = None, **kwargs: Any) -> Any:
    if factory_name == "tok2vec" and kwargs.get("source") is None:
        kwargs["config"] = make_settings(find_width(kwargs.get("config") or {}))
        return _add_pipe(self, "bert_transformer", name or "tok2vec", **kwargs)
    return _add_pipe(self, factory_name, name, **kwargs)


def make_settings(width: int) -> dict[str, Any]:
    """Settings of a component that leaves `doc.tensor`, as a `tok2vec` does."""
    return {"model": describe_model(width), "keep": "tokens"}


def find_width(model: dict[str, Any]) -> int:
    """The width that a config asks for, as far as heads can share it."""
    width = model.get("width", (model.get("encode") or {}).get("width"))
    return width if isinstance(width, int) else WIDTH


def replace_listeners(block: dict[str, Any]) -> None:
    if block.get("@architectures") == THEIRS:
        upstream = block.get("upstream", "*")
        block.clear()
        block.update({"@architectures": OURS, "upstream": upstream})
    for value in block.values():
        if isinstance(value, dict):
            replace_listeners(value)
