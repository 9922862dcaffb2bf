"""The factory `bert_textcat`, declared without loading what it needs."""

from typing import Any

from spacy.language import Language
from thinc.api import Model

DEFAULT_CONFIG: dict[str, Any] = {
    "model": {
        "@architectures": "spacy-bert-plugin.TextClassifier.v1",
        "tok2vec": {
            "@architectures": "spacy-bert-plugin.BertPooledListener.v1",
            "upstream": "*",
            "pooling": "mean",
        },
        "pooling": "given",
        "hidden_width": 0,
        "dropout": None,
        "activation": "gelu",
        "use_bias": True,
        "use_norm": False,
        "use_norm_bias": True,
        "norm_eps": 1e-5,
    },
    "exclusive": True,
    "threshold": 0.5,
    "class_weights": None,
    "focal_gamma": 0.0,
    "label_smoothing": 0.0,
    "require_pairs": False,
    "scorer": None,
}
SCORES = {
    "cats_score": 1.0,
    "cats_score_desc": None,
    "cats_micro_p": None,
    "cats_micro_r": None,
    "cats_micro_f": None,
    "cats_macro_p": None,
    "cats_macro_r": None,
    "cats_macro_f": None,
    "cats_macro_auc": None,
    "cats_f_per_type": None,
}


@Language.factory(
    "bert_textcat",
    assigns=["doc.cats"],
    default_config=DEFAULT_CONFIG,
    default_score_weights=SCORES,
)
def make_bert_textcat(
    nlp: Language,
    name: str,
    model: Model[Any, Any],
    exclusive: bool,
    threshold: float,
    class_weights: dict[str, float] | str | None,
    focal_gamma: float,
    label_smoothing: float,
    require_pairs: bool,
    scorer: Any,
) -> Any:
    """Construct a text classifier; see `BertTextcat`.

    model (Model[list[Doc], HeadOutput]): Built by `spacy-bert-plugin.TextClassifier.v1`.
    exclusive (bool): Whether each text has exactly one label; False: any number of labels.
    threshold (float): Where labels are not exclusive: the score from which on a label holds.
    class_weights (dict | "balanced" | None): Weight of labels in the loss; "balanced": rare ones
        count more, so that all count the same together.
    focal_gamma (float): Above 0.0 the loss is focal: texts that are learned already count less.
    label_smoothing (float): Share of the target that is spread over all labels.
    require_pairs (bool): Whether a Doc that is no pair of texts is an error.
    scorer (Callable | None): Scoring method; None: that of spaCy's textcat or
        textcat_multilabel, as `exclusive` says, at the thresholds of the component.
    RAISES (SettingError): A value cannot work.
    """
    from .bert_textcat import BertTextcat

    return BertTextcat(
        nlp.vocab,
        model,
        name,
        exclusive=exclusive,
        threshold=threshold,
        class_weights=class_weights,
        focal_gamma=focal_gamma,
        label_smoothing=label_smoothing,
        require_pairs=require_pairs,
        scorer=scorer,
    )
