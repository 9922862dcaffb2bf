"""`spacy-bert-plugin.TextRegressor.v1`: numbers for texts, or pairs of them, over any `tok2vec`."""

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from .head import HeadModel
from .text_classifier import build_text_classifier_v1


def build_text_regressor_v1(
    tok2vec: Model[list[Doc], list[Floats2d]],
    pooling: str = "given",
    hidden_width: int = 0,
    dropout: float | None = None,
    activation: str = "tanh",
    use_bias: bool = True,
    use_norm: bool = False,
    use_norm_bias: bool = True,
    norm_eps: float = 1e-5,
) -> HeadModel:
    """Build the model of `bert_regressor`: that of `bert_textcat`, with a number for each target.

    tok2vec, pooling, ...: As of `spacy-bert-plugin.TextClassifier.v1`.
    RETURNS (Model[list[Doc], HeadOutput]): Shape of the output: (n_docs, n_targets), in standard
        deviations from the mean of the training data.
    RAISES (SettingError): A value cannot work.
    """
    model = build_text_classifier_v1(
        tok2vec,
        pooling=pooling,
        hidden_width=hidden_width,
        dropout=dropout,
        activation=activation,
        use_bias=use_bias,
        use_norm=use_norm,
        use_norm_bias=use_norm_bias,
        norm_eps=norm_eps,
    )
    model.name = "text_regressor"
    return model
