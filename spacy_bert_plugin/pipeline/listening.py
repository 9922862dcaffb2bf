"""Who listens to an encoder, and the reading of vectors by those who do.

`ListenedTo` has the structure that spaCy calls `ListenedToComponent`. The protocol is written
down in docs/design/listeners.md.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model

from ..errors import Errors, ListenerError
from ..layers import BertListener, EncoderModel, TorchShim, find_shims
from ..layers.head import is_head
from ..layers.reading import ReadVectors
from .activations import Activations, ActivationStore
from .foreign_listeners import adopt_listener, find_upstream


class ListenedTo:
    """The part of a shared encoder that deals with its listeners."""

    name: str
    model: EncoderModel
    store: ActivationStore
    listener_map: dict[str, list[BertListener]]
    head_shims: dict[str, list[TorchShim]]

    @abstractmethod
    def _compute(self, docs: Sequence[Doc]) -> list[Activations]:
        """Encode Docs in prediction mode."""

    @property
    def listeners(self) -> list[BertListener]:
        """All listeners of downstream components that read vectors."""
        return [n for nodes in self.listener_map.values() for n in nodes if n.is_reader]

    @property
    def listening_components(self) -> list[str]:
        """Names of the components that listen."""
        return list(self.listener_map)

    def add_listener(self, listener: BertListener, component_name: str) -> None:
        """Connect a listener of a downstream component."""
        nodes = self.listener_map.setdefault(component_name, [])
        if not any(node is listener for node in nodes):
            nodes.append(listener)
        listener.connect(self, component_name)
        if self.model.has_dim("nO"):
            listener.set_dim("nO", self.model.get_dim("nO"), force=True)

    def remove_listener(self, listener: BertListener, component_name: str) -> bool:
        """Disconnect a listener. RETURNS (bool): Whether it was connected."""
        nodes = self.listener_map.get(component_name, [])
        kept = [node for node in nodes if node is not listener]
        if len(kept) == len(nodes):
            return False
        listener.disconnect(self)
        if kept:
            self.listener_map[component_name] = kept
        else:
            del self.listener_map[component_name]
            self.head_shims.pop(component_name, None)
        return True

    def find_listeners(self, component: Any) -> None:
        """Connect every listener in a component's model that means this encoder."""
        if isinstance(getattr(component, "model", None), Model):
            for node in component.model.walk():
                if find_upstream(node) not in ("*", self.name):
                    continue
                listener = adopt_listener(component.model, node)
                self.add_listener(listener, component.name)
                listener.head = component.model if is_head(component.model) else None
                self.head_shims[component.name] = find_shims(component.model)

    def list_listening_shims(self) -> list[TorchShim]:
        """Torch modules of the components that listen, each once."""
        shims = [shim for name in self.listener_map for shim in self.head_shims.get(name, [])]
        return list({id(shim): shim for shim in shims}.values())

    def has_run_on(self, docs: Sequence[Doc]) -> bool:
        """Whether the encoder has computed vectors for the first of these Docs."""
        return bool(docs) and self._find(docs[0]) is not None

    def read_vectors(self, docs: Sequence[Doc], listener: BertListener) -> list[Any]:
        """Give a listener the vectors of Docs, and drop those that nobody waits for any more.

        Vectors that were dropped already, or whose Doc has been retokenised, are computed anew.

        RETURNS (list): Shape: (n_tokens, width) or, for pooled outputs, (1, width) for each Doc.
        RAISES (ListenerError): The encoder has not run on one of the Docs.
        """
        found = [self._find(doc) for doc in docs]
        for index, (doc, item) in enumerate(zip(docs, found, strict=True)):
            if item is None and len(doc):
                raise ListenerError(
                    Errors.SB507.format(
                        component=listener.component_name, encoder=self.name, index=index
                    )
                )
        name = listener.output
        stale = [
            i
            for i, item in enumerate(found)
            if item is None
            or item.n_tokens != len(docs[i])
            or not can_answer(item.outputs.get(name), listener)
        ]
        vectors = [None if item is None else item.outputs.get(name) for item in found]
        for i, item in zip(stale, self._compute([docs[i] for i in stale]), strict=True):
            vectors[i] = item.outputs[name]
        for doc, item in zip(docs, found, strict=True):
            if item is not None:
                item.readers.add(id(listener))
                if len(item.readers) >= len(self.listeners):
                    self.store.release(doc)
        return vectors

    def _find(self, doc: Doc) -> Activations | None:
        item = self.store.find(doc)
        if item is None and self.model.has_dim("nO"):
            inherited = self.store.find_slice(doc, self.model.get_dim("nO"))
            if inherited is not None:
                return Activations(len(doc), {"tokens": inherited})
        return item


def can_answer(vectors: Any, listener: BertListener) -> bool:
    """Whether a listener can be given this: vectors, or what its own head has made of them."""
    if isinstance(vectors, ReadVectors):
        return listener in vectors.outputs
    return vectors is not None


def set_residual_widths(model: Model[Any, Any], width: int) -> None:
    """Tell residual layers how wide they are, where that was left open.

    An architecture that was built before its encoder knew its width (the entity linker's) would
    take the width of the labels for that of its residual layer.
    """
    for node in model.walk():
        if node.name.startswith("residual("):
            for layer in node.walk():
                if layer.has_dim("nO") is None:
                    layer.set_dim("nO", width)
