"""Listeners: what puts the vectors of a shared encoder into the `tok2vec` slot of a component.

The protocol, with its risks, is written down in docs/design/listeners.md.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from spacy.attrs import IDX, LENGTH
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..errors import Errors, ListenerError
from .apart_texts import count_texts
from .bert_encoder import EncoderModel
from .settings import OUTPUTS, TOKEN_OUTPUTS, TOKEN_POOLINGS

BackpropT = Callable[[list[Floats2d]], list[Doc]]
# What makes one vector a Doc.
POOLINGS = tuple(name for name in OUTPUTS if name not in TOKEN_OUTPUTS)


class ListenedEncoder(Protocol):
    """What a listener asks of the component that owns the encoder."""

    name: str

    def has_run_on(self, docs: Sequence[Doc]) -> bool: ...

    def read_vectors(self, docs: Sequence[Doc], listener: "BertListener") -> list[Floats2d]: ...


class BertListener(Model[list[Doc], list[Floats2d]]):
    """A layer without weights that hands on what a shared encoder has computed.

    upstream_name (str): Name of the component to listen to; "*" for any `bert_transformer`.
    output (str): "tokens" or "first", one row a token, or one row a Doc: "cls", "pooler",
        "mean", "pieces", "max".
    grad_factor (float): Factor on the gradients that it sends to the encoder.
    head (Model | None): The model whose `tok2vec` this is, if that is a head of ours.
    is_reader (bool): Whether it reads vectors; one that does not says whose encoder is meant.
    """

    name = "bert_listener"

    def __init__(
        self, upstream_name: str, output: str = "tokens", *, grad_factor: float = 1.0
    ) -> None:
        Model.__init__(self, name=self.name, forward=forward, init=init, dims={"nO": None})
        self.upstream_name = upstream_name
        self.output = output
        self.grad_factor = grad_factor
        self.component_name = ""
        self.head: Model[Any, Any] | None = None
        self.is_reader = True
        self.encoders: list[ListenedEncoder] = []
        self._samples: list[Doc] = []
        self._docs: list[Doc] = []
        self._vectors: list[Floats2d] | None = None
        self._backprop: BackpropT | None = None

    def connect(self, encoder: ListenedEncoder, component_name: str) -> None:
        """Point the listener to an encoder. Sample Docs are forgotten.

        A component that was sourced from another pipeline is the same object in both, so a
        listener may have several encoders. The Docs say which of them is meant.
        """
        self.disconnect(encoder)
        self.encoders.append(encoder)
        self.component_name = component_name
        self._samples = []

    def disconnect(self, encoder: ListenedEncoder) -> None:
        """Forget an encoder."""
        self.encoders = [other for other in self.encoders if other is not encoder]

    def receive(self, docs: list[Doc], vectors: list[Floats2d], backprop: BackpropT) -> None:
        """Take the vectors of a training batch and the callback for their gradients."""
        if self.grad_factor != 1.0:
            backprop = partial(_weigh, backprop, self.grad_factor)
        self._docs, self._vectors, self._backprop = docs, vectors, backprop

    def forget_batch(self) -> None:
        """Let go of a training batch, so that nothing of it stays in memory."""
        self._docs, self._vectors, self._backprop = [], None, None

    def read_batch(self, docs: Sequence[Doc]) -> tuple[list[Floats2d], BackpropT]:
        """Give the vectors of the training batch that was received.

        RAISES (ListenerError): The Docs are not those of the batch, in its order.
        """
        if self._vectors is None or self._backprop is None:
            return self.read(docs), _no_gradient
        if not _are_same(docs, self._docs):
            raise ListenerError(
                Errors.SB506.format(
                    component=self.component_name, expected=len(self._docs), got=len(docs)
                )
            )
        vectors, backprop = self._vectors, self._backprop
        self.forget_batch()
        return vectors, backprop

    def read(self, docs: Sequence[Doc]) -> list[Floats2d]:
        """Give the vectors that the encoder has left for these Docs.

        RAISES (ListenerError): There is no encoder, or it has not run on one of the Docs.
        """
        if self._samples and all(any(doc is s for s in self._samples) for doc in docs):
            width = self.get_dim("nO")
            return [self.ops.alloc2f(self._count_rows(doc), width) for doc in docs]
        if not self.encoders:
            raise ListenerError(
                Errors.SB505.format(component=self.component_name, upstream=self.upstream_name)
            )
        nearest = reversed(self.encoders)
        encoder = next((e for e in nearest if e.has_run_on(docs)), self.encoders[-1])
        return encoder.read_vectors(docs, self)

    def _count_rows(self, doc: Doc) -> int:
        return len(doc) if self.output in TOKEN_OUTPUTS else count_texts(doc)

    def keep_samples(self, docs: Sequence[Doc]) -> None:
        """Answer these Docs with zeros until the pipeline is linked again.

        Components infer the sizes of their layers from a few examples, on which no encoder has
        run. Only those very Docs are answered so, and only while the pipeline is initialised.
        """
        self._samples = list(docs)


def build_bert_listener_v1(
    upstream: str = "*", pooling: str = "mean", grad_factor: float = 1.0
) -> BertListener:
    """Build a listener that hands on one vector a token.

    pooling (str): "mean": the mean over the pieces of the token; "first": its first piece.
    upstream (str): Name of the component to listen to; "*" for any `bert_transformer`.
    grad_factor (float): Factor on the gradients that the component sends to the encoder: 0.0, and
        the encoder does not learn from it.
    RETURNS (Model[list[Doc], list[Floats2d]]): Shape: (n_tokens, width) for each Doc.
    RAISES (ListenerError): A value cannot work.
    """
    if pooling not in TOKEN_POOLINGS:
        raise ListenerError(
            Errors.SB002.format(name="pooling", expected="mean or first", got=pooling)
        )
    if not 0.0 <= grad_factor < float("inf"):
        raise ListenerError(
            Errors.SB002.format(name="grad_factor", expected="0.0 or more", got=grad_factor)
        )
    return BertListener(upstream, output=TOKEN_POOLINGS[pooling], grad_factor=grad_factor)


def build_bert_pooled_listener_v1(pooling: str = "cls", upstream: str = "*") -> BertListener:
    """Build a listener that hands on one vector a Doc, as an array of one row.

    pooling (str): "cls": the first piece, averaged over windows; "pooler": the same through the
        checkpoint's pooler; "mean": the mean over tokens; "pieces": the mean over all pieces,
        special ones too, averaged over windows; "max": the largest numbers of all of these.
    upstream (str): Name of the component to listen to; "*" for any `bert_transformer`.
    RETURNS (Model[list[Doc], list[Floats2d]]): Shape: (1, width) for each Doc, or (n_texts, width)
        for one of texts that are read apart (`layers/apart_texts.py`).
    RAISES (ListenerError): An unknown pooling.
    """
    if pooling not in POOLINGS:
        raise ListenerError(
            Errors.SB002.format(name="pooling", expected=", ".join(POOLINGS), got=pooling)
        )
    return BertListener(upstream, output=pooling)


def forward(
    model: BertListener, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], BackpropT]:
    if is_train:
        return model.read_batch(docs)
    return model.read(docs), _no_gradient


def init(model: BertListener, X: Any = None, Y: Any = None) -> BertListener:  # noqa: N803
    if X is not None:
        model.keep_samples(X)
    return model


def _are_same(docs: Sequence[Doc], others: Sequence[Doc]) -> bool:
    return len(docs) == len(others) and all(map(_is_same, docs, others))


def _is_same(doc: Doc, other: Doc) -> bool:
    """Whether two Docs have the same vectors: one and the same, or copied (as the entity linker
    copies the batch), which means the same text in the same tokens."""
    if doc is other:
        return True
    return (
        len(doc) == len(other)
        and doc.text == other.text
        and bool((doc.to_array([IDX, LENGTH]) == other.to_array([IDX, LENGTH])).all())
    )


def _weigh(backprop: BackpropT, factor: float, gradients: list[Floats2d]) -> list[Doc]:
    return backprop([gradient * factor for gradient in gradients])


def _no_gradient(gradients: list[Floats2d]) -> list[Doc]:
    return []


def find_encoder(model: Model[Any, Any], docs: Sequence[Doc] = (), *, name: str) -> EncoderModel:
    """Find the encoder that a model asks.

    name (str): Of the component, for the message.
    docs (Sequence[Doc]): A component that was sourced from another pipeline has an encoder in both;
        the one that has run on these Docs is meant.
    RETURNS (EncoderModel): That of the listener in its `tok2vec` slot, or what stands there itself.
    RAISES (ListenerError): There is none.
    """
    tok2vec: Any = model.layers[0]
    if not isinstance(tok2vec, BertListener):
        own: EncoderModel = tok2vec
        return own
    if not tok2vec.encoders:
        raise ListenerError(Errors.SB505.format(component=name, upstream=tok2vec.upstream_name))
    nearest = reversed(tok2vec.encoders)
    owner: Any = next((e for e in nearest if e.has_run_on(docs)), tok2vec.encoders[-1])
    found: EncoderModel = owner.model
    return found
