"""`spacy-bert-plugin.TextClassifier.v1`: scores of the categories of texts over any `tok2vec`."""

from functools import partial

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..errors import Errors, SettingError
from ..heads import TEXT_POOLINGS, TextClassifier
from .head import HeadModel, HeadOutput, LossBackpropT, build_head, run_head
from .hidden import check_hidden
from .listener import BertListener
from .settings import TOKEN_OUTPUTS


def build_text_classifier_v1(
    tok2vec: Model[list[Doc], list[Floats2d]],
    pooling: str = "given",
    hidden_width: int = 0,
    dropout: float | None = None,
    activation: str = "gelu",
    use_bias: bool = True,
    use_norm: bool = False,
    use_norm_bias: bool = True,
    norm_eps: float = 1e-5,
) -> HeadModel:
    """Build the model of `bert_textcat`.

    tok2vec (Model[list[Doc], list[Floats2d]]): One vector a text, as
        `spacy-bert-plugin.BertPooledListener.v1` gives ("cls", "pooler", "mean" or "pieces"); or
        one vector a token, as `spacy-bert-plugin.BertListener.v1` and every other gives.
    pooling (str): "given": as the vectors come, averaged where they come by token; "mean": the
        same; "attention": averaged with learned weights, for vectors that come by token.
    hidden_width (int): Size of a layer between vectors and scores; 0: none.
    dropout (float | None): Dropout in training; None: the training's own (`training.dropout`).
    activation (str): What follows the linear map of the layer between: "gelu", "gelu_tanh",
        "relu", "silu" or "tanh".
    use_bias (bool): Whether that map has a bias.
    use_norm, use_norm_bias (bool): Whether a layer norm comes after it, and whether with a bias.
    norm_eps (float): What the norm adds to the variance.
    RETURNS (Model[list[Doc], HeadOutput]): Shape of the output: (n_docs, n_labels), before
        softmax or sigmoid.
    RAISES (SettingError): A value cannot work.
    """
    if pooling not in TEXT_POOLINGS:
        expected = f"one of {', '.join(TEXT_POOLINGS)}"
        raise SettingError(Errors.SB002.format(name="pooling", expected=expected, got=pooling))
    check_hidden(hidden_width=hidden_width, activation=activation, norm_eps=norm_eps)
    if dropout is not None and not 0.0 <= dropout < 1.0:
        expected = "at least 0.0 and below 1.0, or null"
        raise SettingError(Errors.SB002.format(name="dropout", expected=expected, got=dropout))
    if pooling == "attention" and isinstance(tok2vec, BertListener):
        _check_gives_tokens(tok2vec)
    build = partial(
        TextClassifier,
        pooling=pooling,
        hidden_width=hidden_width,
        activation=activation,
        use_bias=use_bias,
        use_norm=use_norm,
        use_norm_bias=use_norm_bias,
        norm_eps=norm_eps,
    )
    return build_head(
        "text_classifier", tok2vec, build, forward, attrs={"own_dropout_rate": dropout}
    )


def forward(model: HeadModel, docs: list[Doc], is_train: bool) -> tuple[HeadOutput, LossBackpropT]:
    # Only training reads the rate, so predictions in other threads are not touched.
    if is_train and model.attrs["own_dropout_rate"] is not None:
        model.attrs["dropout_rate"] = model.attrs["own_dropout_rate"]
    return run_head(model, docs, is_train)


def _check_gives_tokens(listener: BertListener) -> None:
    if listener.output not in TOKEN_OUTPUTS:
        raise SettingError(Errors.SB381.format(got=listener.output))
