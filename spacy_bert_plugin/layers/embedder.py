"""`spacy-bert-plugin.Embedder.v1`: vectors of texts that can be compared, over any `tok2vec`."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from spacy.tokens import Doc
from thinc.api import Model, torch2xp
from thinc.types import Floats2d
from torch import Tensor

from ..errors import Errors, ListenerError, SettingError
from ..heads.embeddings import DENSE_ACTIVATIONS, TextEmbedder
from .apart_texts import read_texts
from .bert_encoder import run_encoder
from .encoded import EncodedDocs
from .head import HeadModel, HeadOutput, LossBackpropT, build_head, find_tok2vec, get_head, run_head
from .listener import BertListener, find_encoder
from .settings import TOKEN_OUTPUTS


def build_embedder_v1(
    tok2vec: Model[list[Doc], list[Floats2d]],
    normalize: bool = True,
    dense_width: int = 0,
    dense_activation: str = "tanh",
    dense_bias: bool = True,
) -> HeadModel:
    """Build the model of `bert_embedder`.

    tok2vec (Model[list[Doc], list[Floats2d]]): One vector a text, as
        `spacy-bert-plugin.BertPooledListener.v1` gives ("pieces" is the mean of
        sentence-transformers; "cls", "max"); or one vector a token, whose mean is taken.
    normalize (bool): Whether vectors have length one.
    dense_width (int): Width of a linear map after pooling; 0: none.
    dense_activation (str): What follows the map: "gelu", "gelu_tanh", "relu", "silu", "tanh" or
        "none".
    dense_bias (bool): Whether the map has a bias.
    RETURNS (Model[list[Doc], HeadOutput]): Shape of the output: (n_texts, width).
    RAISES (SettingError): A value cannot work.
    """
    for name, value, is_good, expected in (
        ("dense_width", dense_width, dense_width >= 0, "at least 0"),
        (
            "dense_activation",
            dense_activation,
            dense_activation in DENSE_ACTIVATIONS,
            f"one of {', '.join(DENSE_ACTIVATIONS)}",
        ),
    ):
        if not is_good:
            raise SettingError(Errors.SB002.format(name=name, expected=expected, got=value))
    build = partial(
        TextEmbedder,
        dense_width=dense_width,
        activation=dense_activation,
        use_bias=dense_bias,
        normalize=normalize,
    )
    return build_head("embedder", tok2vec, build, forward, read_inputs=_count_tokens)


def forward(model: HeadModel, docs: list[Doc], is_train: bool) -> tuple[HeadOutput, LossBackpropT]:
    return run_head(model, docs, is_train)


def embed_apart(model: HeadModel, docs: Sequence[Doc], near: Sequence[Doc], *, name: str) -> Tensor:
    """Embed Docs that the encoder has not run on: it runs now, and keeps nothing.

    docs (Sequence[Doc]): Any number of Docs.
    near (Sequence[Doc]): Docs that it has run on, where there are any; they say which encoder is
        meant by a component that was sourced from another pipeline.
    name (str): Of the component, for messages.
    Shape: (n_texts, width).
    RAISES (ListenerError): There is no encoder, or it is not of this library.
    """
    head: Any = get_head(model)
    if not docs:
        return torch.zeros(0, int(head.n_outputs))
    tok2vec = find_tok2vec(model)
    with torch.inference_mode():
        if isinstance(tok2vec, BertListener):
            asked: Any = model
            encoder = find_encoder(asked, near, name=name)
            pooled = [tok2vec.output] if tok2vec.output != "tokens" else []
            encoded, prepared, _ = run_encoder(encoder, docs, is_train=False, pooled=pooled)
            by_token = tok2vec.output in TOKEN_OUTPUTS
            tokens = prepared.alignment.doc_tokens.tolist()
            lengths = tokens if by_token else prepared.row_counts
            rows = _read(encoded, tok2vec.output)
            found: Tensor = head(rows, lengths=lengths, **_count_tokens(model, docs))
            return found
        if not _has_weights(tok2vec):
            raise ListenerError(Errors.SB898.format(name=name, tok2vec=tok2vec.name))
        output: Any = model.predict(list(docs))
        rest: Tensor = output.output
        return rest


def to_host(vectors: Tensor) -> Any:
    """Bring vectors to the host. Shape: (n_texts, width), float32"""
    array: Any = torch2xp(vectors.float())
    return array.get() if hasattr(array, "get") else array


def _read(encoded: EncodedDocs, output: str) -> Tensor:
    return encoded.tokens if output == "tokens" else encoded.pooled[output]


def _has_weights(tok2vec: Model[Any, Any]) -> bool:
    """Whether this computes by itself: listeners of other libraries have no layers or weights."""
    return bool(tok2vec.layers or tok2vec.shims or tok2vec.param_names)


def _count_tokens(model: HeadModel, docs: Sequence[Doc]) -> dict[str, Any]:
    return {"text_tokens": [[len(text) for text in read_texts(doc)] for doc in docs]}
