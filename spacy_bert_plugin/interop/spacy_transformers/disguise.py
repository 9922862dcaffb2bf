"""Listeners of ours that look like theirs while weights are read that were saved with theirs.

thinc stores a model as a flat list of its nodes. Where a `BertListener` is one node, a listener of
spacy-transformers is four:

    bert_listener      transformer-listener>>trfs2arrays
                         +-- transformer-listener
                         +-- trfs2arrays
                               +-- reduce_mean
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from spacy.language import Language
from spacy.util import replace_model_node
from thinc.api import Model

from ...layers import BertListener


@contextmanager
def disguise_listeners(nlp: Language) -> Iterator[list[str]]:
    """Put nodes without a function in the place of all listeners, and take them out at the end.

    YIELDS (list[str]): Components that have listeners.
    """
    replaced = []
    for name, component in nlp.components:
        model = getattr(component, "model", None)
        for node in list(model.walk()) if isinstance(model, Model) else []:
            if isinstance(node, BertListener):
                replaced.append((name, component, node, _make_nodes()))
    for _, component, node, nodes in replaced:
        _swap(component, node, nodes)
    yield list(dict.fromkeys(name for name, *_ in replaced))
    for _, component, node, nodes in replaced:
        _swap(component, nodes, node)
    nlp._link_components()


def _swap(component: Any, old: Model[Any, Any], new: Model[Any, Any]) -> None:
    if component.model is old:
        component.model = new
    else:
        replace_model_node(component.model, old, new)


def _make_nodes() -> Model[Any, Any]:
    dims: dict[str, int | None] = {"nI": None, "nO": None}
    listener = _make_node("transformer-listener", [], dims)
    pooled = _make_node("trfs2arrays", [_make_node("reduce", [], dims)], dims)
    return _make_node("listener", [listener, pooled], dims, refs={"listener": listener})


def _make_node(
    name: str,
    layers: list[Model[Any, Any]],
    dims: dict[str, int | None],
    refs: dict[str, Model[Any, Any] | None] | None = None,
) -> Model[Any, Any]:
    return Model(name, _forward, layers=layers, dims=dims, refs=refs or {})


def _forward(model: Model[Any, Any], inputs: Any, is_train: bool) -> Any:
    """Never called: the nodes are there to be filled in from a file."""
    return inputs, list
