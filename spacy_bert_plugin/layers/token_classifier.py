"""`spacy-bert-plugin.TokenClassifier.v1`: scores of BILUO tags over any `tok2vec`."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from spacy.attrs import intify_attr
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..errors import Errors, ListenerError, SettingError
from ..heads import SCHEMES, TokenClassifier, read_outputs
from .bert_encoder import NO_NAMES
from .head import HeadModel, HeadOutput, LossBackpropT, build_head, get_head, run_head
from .hidden import check_hidden
from .listener import BertListener
from .settings import TOKEN_OUTPUTS

DEFAULT_FEATURES = ("SHAPE", "PREFIX", "SUFFIX")


def build_token_classifier_v1(
    tok2vec: Model[list[Doc], list[Floats2d]],
    features: list[str] = list(DEFAULT_FEATURES),  # noqa: B006 (never changed)
    feature_rows: int = 2000,
    feature_width: int = 32,
    feature_window: int = 1,
    hidden_width: int = 0,
    use_crf: bool = False,
    activation: str = "gelu",
    use_bias: bool = True,
    use_norm: bool = False,
    use_norm_bias: bool = True,
    norm_eps: float = 1e-5,
    outputs: list[str] = NO_NAMES,
    scheme: str = "biluo",
) -> HeadModel:
    """Build the model of `bert_ner`.

    tok2vec (Model[list[Doc], list[Floats2d]]): Anything that gives one vector a token. Which
        pieces make it is the listener's `pooling`: "mean" or "first".
    features (list[str]): Attributes of tokens that are read beside the vector, such as SHAPE,
        PREFIX and SUFFIX: encoders without capitals need them.
    feature_rows, feature_width (int): Size of the hashed embeddings of each feature.
    feature_window (int): Neighbours on either side whose features are read too.
    hidden_width (int): Size of a layer between vectors and scores; 0: none.
    use_crf (bool): Whether to learn scores of neighbouring tags, trained on whole sequences.
        Without it, decoding allows legal sequences only, which costs less and often does as well.
    activation (str): What follows the linear map of the layer between: "gelu", "gelu_tanh",
        "relu", "silu" or "tanh".
    use_bias (bool): Whether that map has a bias.
    use_norm, use_norm_bias (bool): Whether a layer norm comes after it, and whether with a bias.
    norm_eps (float): What the norm adds to the variance.
    outputs (list[str]): Names of the scores, such as O, B-PER and I-PER, where the weights come
        from a tagger of another library; they fix the labels. Empty: the BILUO tags of the labels.
    scheme (str): How BILUO tags read these outputs: "biluo", "bio", "iob1" or "io".
    RETURNS (Model[list[Doc], HeadOutput]): Shape of the output: (n_tokens, n_tags).
    RAISES (SettingError): A value cannot work.
    RAISES (ListenerError): The `tok2vec` gives one vector a Doc.
    """
    check_gives_tokens(tok2vec)
    for name in features:
        if not isinstance(name, str) or intify_attr(name) is None:
            expected = "names of token attributes, such as SHAPE"
            raise SettingError(Errors.SB002.format(name="features", expected=expected, got=name))
    sizes = {"feature_rows": feature_rows, "feature_width": feature_width}
    for name, value in sizes.items():
        if value < 1:
            raise SettingError(Errors.SB002.format(name=name, expected="at least 1", got=value))
    if feature_window < 0:
        raise SettingError(
            Errors.SB002.format(name="feature_window", expected="at least 0", got=feature_window)
        )
    check_hidden(hidden_width=hidden_width, activation=activation, norm_eps=norm_eps)
    labels = _read_labels(outputs, scheme, use_crf=use_crf)
    build = partial(
        TokenClassifier,
        n_features=len(features),
        feature_window=feature_window,
        hidden_width=hidden_width,
        use_crf=use_crf,
        activation=activation,
        use_bias=use_bias,
        use_norm=use_norm,
        use_norm_bias=use_norm_bias,
        norm_eps=norm_eps,
        outputs=list(outputs),
        scheme=scheme,
        **sizes,
    )
    return build_head(
        "token_classifier",
        tok2vec,
        build,
        forward,
        read_inputs=read_inputs,
        attrs={
            "features": tuple(features),
            "use_crf": use_crf,
            "outputs": tuple(outputs),
            "fixed_labels": labels,
        },
    )


def forward(model: HeadModel, docs: list[Doc], is_train: bool) -> tuple[HeadOutput, LossBackpropT]:
    return run_head(model, docs, is_train)


def read_inputs(model: HeadModel, docs: Sequence[Doc]) -> dict[str, torch.Tensor | None]:
    """What the module reads beside the vectors. Shape: features (n_tokens, n_features)"""
    names = model.attrs["features"]
    device = next(get_head(model).parameters()).device
    return {"features": read_features(docs, names).to(device) if names else None}


def read_features(docs: Sequence[Doc], names: Sequence[str]) -> torch.Tensor:
    """Read attributes of tokens as numbers of at least 0, the same in every process.

    Shape: (n_tokens, n_features), int64
    """
    # Strings are 64-bit hashes in spaCy; two of its bits go, since torch has no unsigned ones.
    rows = [doc.to_array(list(names)).reshape(len(doc), len(names)) for doc in docs if len(doc)]
    flat = np.concatenate(rows) if rows else np.zeros((0, len(names)), dtype=np.uint64)
    return torch.from_numpy((flat >> np.uint64(2)).astype(np.int64))


def _read_labels(outputs: Sequence[str], scheme: str, *, use_crf: bool) -> tuple[str, ...]:
    """Labels that named outputs fix; none where the labels are free.

    RAISES (SettingError): The outputs are no tags of this scheme, or the scheme does not exist.
    """
    if scheme not in SCHEMES:
        expected = f"one of {', '.join(SCHEMES)}"
        raise SettingError(Errors.SB002.format(name="scheme", expected=expected, got=scheme))
    if not outputs:
        return ()
    if use_crf:
        setting = {"setting": "use_crf", "expected": "false"}
        raise SettingError(Errors.SB743.format(got=list(outputs)[:12], **setting))
    return read_outputs(outputs, scheme).labels


def check_gives_tokens(tok2vec: Model[list[Doc], list[Floats2d]]) -> None:
    """RAISES (ListenerError): It is an encoder or a listener of ours that pools over the text."""
    if isinstance(tok2vec, BertListener):
        output = tok2vec.output
    else:
        output = getattr(tok2vec.attrs.get("settings"), "output", TOKEN_OUTPUTS[0])
    if output not in TOKEN_OUTPUTS:
        raise ListenerError(Errors.SB520.format(got=output))
