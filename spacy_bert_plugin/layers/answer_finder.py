"""`spacy-bert-plugin.AnswerFinder.v1`: where answers begin and end, over any `tok2vec`."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from spacy.attrs import IS_SPACE
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..heads.answers import CONTEXT, NEITHER, QUESTION, AnswerFinder
from ..pieces import IntArray
from ..util.pairs import read_pair
from .head import HeadModel, HeadOutput, LossBackpropT, build_head, get_head, run_head
from .hidden import check_hidden
from .token_classifier import check_gives_tokens


def build_answer_finder_v1(
    tok2vec: Model[list[Doc], list[Floats2d]],
    hidden_width: int = 0,
    activation: str = "gelu",
    use_bias: bool = True,
    use_norm: bool = False,
    use_norm_bias: bool = True,
    norm_eps: float = 1e-5,
) -> HeadModel:
    """Build the model of `bert_qa`.

    tok2vec (Model[list[Doc], list[Floats2d]]): Anything that gives one vector a token, in which
        question and context know of each other, as `spacy-bert-plugin.BertListener.v1` gives.
    hidden_width (int): Size of a layer between vectors and scores; 0: none.
    activation (str): What follows the linear map of the layer between: "gelu", "gelu_tanh",
        "relu", "silu" or "tanh".
    use_bias (bool): Whether that map has a bias.
    use_norm, use_norm_bias (bool): Whether a layer norm comes after it, and whether with a bias.
    norm_eps (float): What the norm adds to the variance.
    RETURNS (Model[list[Doc], HeadOutput]): The output is a `heads.answers.AnswerScores`.
    RAISES (SettingError): A value cannot work.
    RAISES (ListenerError): The `tok2vec` gives one vector a Doc.
    """
    check_gives_tokens(tok2vec)
    check_hidden(hidden_width=hidden_width, activation=activation, norm_eps=norm_eps)
    build = partial(
        AnswerFinder,
        hidden_width=hidden_width,
        activation=activation,
        use_bias=use_bias,
        use_norm=use_norm,
        use_norm_bias=use_norm_bias,
        norm_eps=norm_eps,
    )
    return build_head("answer_finder", tok2vec, build, forward, read_inputs=read_inputs)


def forward(model: HeadModel, docs: list[Doc], is_train: bool) -> tuple[HeadOutput, LossBackpropT]:
    return run_head(model, docs, is_train)


def read_inputs(model: HeadModel, docs: Sequence[Doc]) -> dict[str, torch.Tensor]:
    """What the module reads beside the vectors. Shape: sides (n_tokens,)"""
    device = next(get_head(model).parameters()).device
    rows = [read_sides(doc) for doc in docs]
    sides = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    return {"sides": torch.from_numpy(sides).to(device)}


def read_sides(doc: Doc) -> IntArray:
    """Say of each token whether it asks, may answer, or does neither.

    White space never answers. A Doc that is no pair is all question.

    Shape: (n_tokens,), int64
    RAISES (DataError): `doc.spans["pair"]` does not cover the Doc.
    """
    sides = np.full(len(doc), QUESTION, dtype=np.int64)
    pair = read_pair(doc)
    if pair is not None:
        is_space = doc.to_array([IS_SPACE]).reshape(-1).astype(bool)
        sides[pair.second.start :] = CONTEXT
        sides[pair.second.start :][is_space[pair.second.start :]] = NEITHER
    return sides


def get_answer_finder(model: HeadModel) -> AnswerFinder:
    """Find the torch module. RAISES (ListenerError): It has not been initialised."""
    head: AnswerFinder = get_head(model)  # type: ignore[assignment]
    return head
