"""The factory `bert_regressor`, declared without loading what it needs."""

from typing import Any

from spacy.language import Language
from thinc.api import Model

DEFAULT_CONFIG: dict[str, Any] = {
    "model": {
        "@architectures": "spacy-bert-plugin.TextRegressor.v1",
        "tok2vec": {
            "@architectures": "spacy-bert-plugin.BertPooledListener.v1",
            "upstream": "*",
            "pooling": "cls",
        },
        "pooling": "given",
        "hidden_width": 0,
        "dropout": None,
        "activation": "tanh",
        "use_bias": True,
        "use_norm": False,
        "use_norm_bias": True,
        "norm_eps": 1e-5,
    },
    "loss": "mse",
    "clip": True,
    "require_pairs": False,
    "scorer": {"@scorers": "spacy-bert-plugin.correlation_scorer.v1"},
}
SCORES = {
    "regression_score": 1.0,
    "regression_pearson": None,
    "regression_spearman": None,
    "regression_rmse": None,
    "regression_per_target": None,
}


@Language.factory(
    "bert_regressor",
    assigns=["doc.cats"],
    default_config=DEFAULT_CONFIG,
    default_score_weights=SCORES,
)
def make_bert_regressor(
    nlp: Language,
    name: str,
    model: Model[Any, Any],
    loss: str,
    clip: bool,
    require_pairs: bool,
    scorer: Any,
) -> Any:
    """Construct a component that gives texts, or pairs of them, numbers; see `BertRegressor`.

    model (Model[list[Doc], HeadOutput]): Built by `spacy-bert-plugin.TextRegressor.v1`.
    loss (str): "mse": squared differences; "huber": large ones count less, for data with errors.
    clip (bool): Whether numbers stay in the range of those in the training data.
    require_pairs (bool): Whether a Doc that is no pair of texts is an error.
    scorer (Callable): Scoring method.
    RAISES (SettingError): A value cannot work.
    """
    from .bert_regressor import BertRegressor

    return BertRegressor(
        nlp.vocab, model, name, loss=loss, clip=clip, require_pairs=require_pairs, scorer=scorer
    )
