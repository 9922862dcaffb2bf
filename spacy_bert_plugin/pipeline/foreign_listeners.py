"""Listeners of other libraries, fed by an encoder of ours.

A component that was made for spacy-transformers or spacy-curated-transformers has a listener of
that library in its model. While one of our encoders is linked to it, that listener answers with
what a `BertListener` beside it has been given, so that the one protocol of docs/design/listeners.md
holds for all: Docs are known by identity, a missing encoder is an error and never zeros.

    their listener ──asks──> ForeignListener ──asks──> bert_transformer
    (in the model)           (a BertListener)
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d, Ragged

from .._compat import import_optional
from ..errors import Errors, ListenerError
from ..layers import BertListener
from ..layers.settings import TOKEN_POOLINGS
from .trf_data import has_foreign_data

THEIR_CLASS, THEIR_MODULE = "TransformerListener", "spacy_transformers."
CURATED_MARK, CURATED_UPSTREAM = "_TRANSFORMER_LISTENER", "_upstream_name"
CURATED_LAST = "last_transformer_layer_listener"
ForwardT = Callable[..., tuple[Any, Callable[[Any], Any]]]


class ForeignListener(BertListener):
    """A listener beside that of another library, which hands on what this one is given.

    node (Model): The listener in the model of the component.
    answer (ForwardT): What the node does instead of its own forward pass.
    """

    name = "foreign_listener"

    def __init__(self, node: Any, upstream: str, output: str, answer: ForwardT) -> None:
        super().__init__(upstream, output=output)
        self.node, self.ops = node, node.ops
        self.original, self.original_init = node._func, node.init
        node._func = partial(answer, self)
        node.init = partial(_init, self)

    def set_dim(self, name: str, value: int, *, force: bool = False) -> None:
        """Set the width, here and on the listener in the model."""
        super().set_dim(name, value, force=force)
        self.node.set_dim(name, value, force=force)

    def disconnect(self, encoder: Any) -> None:
        """Forget an encoder. Without any, the listener in the model is as it was."""
        super().disconnect(encoder)
        if not self.encoders:
            self.node._func, self.node.init = self.original, self.original_init

    def connect(self, encoder: Any, component_name: str) -> None:
        """Point the listener to an encoder."""
        answer, init = self.node._func, self.node.init
        super().connect(encoder, component_name)  # which disconnects first
        self.node._func, self.node.init = answer, init

    def is_meant(self, docs: Sequence[Doc], *, is_train: bool) -> bool:
        """Whether an encoder of ours is to answer, and not one of the listener's own library.

        A component that was sourced is the same object in both pipelines.
        """
        if is_train and self._vectors is not None:
            return not has_batch(self.node)
        is_theirs = bool(docs) and all(has_foreign_data(doc) for doc in docs)
        return not (is_theirs or (is_train and has_batch(self.node)))


def find_upstream(node: Model[Any, Any]) -> str | None:
    """Find out whom a node listens to.

    RETURNS (str | None): Name of a component, or "*" for any; None if the node is no listener.
    """
    if isinstance(node, BertListener):
        return node.upstream_name
    if CURATED_MARK in node.attrs:
        return str(node.attrs[CURATED_UPSTREAM])
    kind: Any = type(node)
    if kind.__name__ == THEIR_CLASS and kind.__module__.startswith(THEIR_MODULE):
        return str(getattr(node, "upstream_name", "*"))
    return None


def adopt_listener(model: Model[Any, Any], node: Model[Any, Any]) -> BertListener:
    """Find the listener of ours that stands beside that of another library, or put one there.

    model (Model): The whole model of the component.
    node (Model): A node of it, for which `find_upstream` gave a name.
    RETURNS (BertListener): The node itself if it is ours.
    RAISES (ListenerError): It asks for something that our encoder does not give.
    """
    if isinstance(node, BertListener):
        return node
    answer: Any = node._func
    if isinstance(answer, partial) and isinstance(answer.args[0], ForeignListener):
        beside: ForeignListener = answer.args[0]
        return beside
    if CURATED_MARK not in node.attrs:
        output = _find_output(_find_pooling(model, node))
        return ForeignListener(node, str(find_upstream(node)), output, give_pieces)
    if node.name != CURATED_LAST:
        raise ListenerError(Errors.SB762.format(listener=node.name))
    output = _find_output(node.layers[0].layers[0].name)
    return ForeignListener(node, str(find_upstream(node)), output, give_vectors)


def has_batch(node: Any) -> bool:
    """Whether an encoder of the listener's own library has sent it a training batch."""
    if CURATED_MARK in node.attrs:
        return node.attrs["_state"].batch_id is not None
    return getattr(node, "_batch_id", None) is not None


def give_vectors(
    listener: ForeignListener, node: Any, docs: list[Doc], is_train: bool
) -> tuple[Any, Callable[[Any], Any]]:
    """What a listener to the last layer of spacy-curated-transformers gives: one row a token."""
    if not listener.is_meant(docs, is_train=is_train):
        result: tuple[Any, Any] = listener.original(node, docs, is_train)
        return result
    vectors, backprop = listener(docs, is_train)

    def weigh(gradients: list[Floats2d]) -> Any:
        factor = node.attrs["grad_factor"]
        return backprop([gradient * factor for gradient in gradients])

    return vectors, weigh


def give_pieces(
    listener: ForeignListener, node: Any, docs: list[Doc], is_train: bool
) -> tuple[Any, Callable[[Any], Any]]:
    """What a listener of spacy-transformers gives: pieces that it aligns with tokens and pools.

    Tokens are pooled already, so that each of them has one row, and the pooling of one row is that
    row. The factor on gradients is the business of the layer that pools.
    """
    if not listener.is_meant(docs, is_train=is_train):
        result: tuple[Any, Any] = listener.original(node, docs, is_train)
        return result
    vectors, backprop = listener(docs, is_train)

    def collect(gradients: Sequence[Any]) -> Any:
        # Empty Docs are left out of what comes back.
        rest = iter(gradients)
        return backprop(
            [next(rest).model_output["last_hidden_state"][0] if len(v) else v for v in vectors]
        )

    return [_wrap(node, rows) for rows in vectors], collect


def _wrap(node: Any, rows: Any) -> Any:
    """One row a token as pieces of one window. Shape: (n_tokens, width) -> (1, n_tokens, width)"""
    theirs = import_optional("spacy_transformers.data_classes", purpose="TransformerListener.v1")
    if not len(rows):
        return theirs.TransformerData.empty()
    data = theirs.TransformerData.zeros(len(rows), 1, xp=node.ops.xp)
    data.model_output["last_hidden_state"] = rows[None]
    ones = node.ops.xp.ones(len(rows), dtype="i")
    data.align = Ragged(node.ops.xp.arange(len(rows), dtype="i"), ones)
    return data


def _find_pooling(model: Model[Any, Any], node: Model[Any, Any]) -> str:
    """Name of the layer that pools the pieces of tokens for a listener of spacy-transformers."""
    for parent in model.walk():
        layers = parent.layers
        if len(layers) == 2 and layers[0] is node and layers[1].name == "trfs2arrays":
            return layers[1].layers[0].name
    raise ListenerError(Errors.SB761.format(listener=node.name, model=model.name))


def _find_output(pooling: str) -> str:
    """Which vectors of ours a pooling makes of the pieces of a token."""
    output = TOKEN_POOLINGS.get(pooling.removeprefix("reduce_"))
    if output is None:
        raise ListenerError(Errors.SB760.format(pooling=pooling))
    return output


def _init(listener: ForeignListener, node: Any, X: Any = None, Y: Any = None) -> Any:  # noqa: N803
    if X is not None:
        listener.keep_samples(X)
    return node
