"""`spacy-bert-plugin.MaskedLanguageModel.v1`: a masked-word head and the encoder that it asks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from spacy.tokens import Doc
from thinc.api import Model, torch2xp
from thinc.types import Floats2d
from torch import Tensor

from ..checkpoints import resolve_checkpoint
from ..errors import Errors, ListenerError, SettingError
from ..heads import MaskedWordHead
from ..pieces import IntArray
from .bert_encoder import get_shim, get_source
from .head import HeadShim
from .listener import BertListener, find_encoder
from .masked_scores import MaskedWindows, score_masked
from .stored_heads import check_head, load_masked_word_head

MaskedModel = Model[MaskedWindows, Floats2d]


def build_masked_language_model_v1(
    tok2vec: Model[list[Doc], list[Floats2d]],
    name: str | None = None,
    revision: str | None = None,
) -> MaskedModel:
    """Build the model of `bert_fill_mask`.

    Weights come with `initialize` or with a saved pipeline, not before.

    tok2vec (Model[list[Doc], list[Floats2d]]): `spacy-bert-plugin.BertListener.v1`, which says
        whose encoder is asked, or `spacy-bert-plugin.BertEncoder.v1` for one of its own.
    name (str | None): Checkpoint whose masked-word head is taken: a folder or a name on the hub.
        None: the one that the encoder starts from.
    revision (str | None): Commit, branch or tag on the hub.
    RETURNS (Model[MaskedWindows, Floats2d]): Logits of asked pieces.
        Shape: (n_asked, vocab_size).
    RAISES (SettingError): The `tok2vec` is neither.
    """
    if isinstance(tok2vec, BertListener):
        tok2vec.is_reader = False  # it asks for no vectors: the encoder need not hold them
    else:
        get_shim(tok2vec)
    return Model(
        "masked_language_model",
        forward,
        layers=[tok2vec],
        refs={"tok2vec": tok2vec},
        dims={"nO": None},
        attrs={"source": (name, revision)},
        shims=[HeadShim(MaskedWordHead)],
    )


def forward(
    model: MaskedModel, masked: MaskedWindows, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], MaskedWindows]]:
    if is_train:
        raise SettingError(Errors.SB538.format(name=model.name))
    head = get_masked_head(model, name=model.name)
    parts = list(score_masked(find_encoder(model, name=model.name), head, masked, _give))
    if not parts:
        return model.ops.alloc2f(0, len(head.bias)), _no_gradient
    order = np.argsort(np.concatenate([asked for asked, _ in parts]))
    scores: Any = torch2xp(torch.cat([logits for _, logits in parts]))
    return scores[order], _no_gradient


def get_masked_head(model: MaskedModel, *, name: str) -> MaskedWordHead:
    """Find the head of a model. RAISES (ListenerError): It has none yet."""
    head = _get_shim(model).module
    if not isinstance(head, MaskedWordHead):
        raise ListenerError(Errors.SB536.format(name=name))
    return head


def has_masked_head(model: MaskedModel) -> bool:
    """Whether there are weights."""
    return _get_shim(model).module is not None


def set_masked_head(model: MaskedModel, head: MaskedWordHead, *, name: str) -> None:
    """Give a model the weights of a head; they are copied.

    RAISES (SettingError): They do not fit the encoder, if there is one already.
    """
    tok2vec: Any = model.layers[0]
    is_listener = isinstance(model.layers[0], BertListener)
    encoders = [e.model for e in tok2vec.encoders] if is_listener else [tok2vec]
    for shim in map(get_shim, encoders):
        if shim.is_loaded:
            check_head(head, shim.encoder, name=name)
    _get_shim(model).set_sizes(**head.sizes).load_state_dict(head.state_dict())


def load_masked_head(model: MaskedModel, *, name: str) -> MaskedWordHead:
    """Load the head that the config asks for.

    RAISES (SettingError): The checkpoint has none.
    """
    wanted, revision = model.attrs["source"]
    if wanted is None:
        wanted, revision = get_source(find_encoder(model, name=name))
    if wanted is None:
        raise SettingError(Errors.SB530.format(name=name, source="an encoder of random weights"))
    head = load_masked_word_head(resolve_checkpoint(wanted, revision=revision))
    if head is None:
        raise SettingError(Errors.SB530.format(name=name, source=f"'{wanted}'"))
    return head


def _get_shim(model: MaskedModel) -> HeadShim:
    shim: Any = model.shims[0]
    found: HeadShim = shim
    return found


def _give(asked: IntArray, logits: Tensor) -> tuple[IntArray, Tensor]:
    return asked, logits


def _no_gradient(gradient: Floats2d) -> MaskedWindows:
    empty = np.zeros(0, dtype=np.int64)
    return MaskedWindows(empty, empty, empty, empty, empty, empty, empty)
