"""The factory `bert_ner`, declared without loading what it needs."""

from typing import Any

from spacy.language import Language
from thinc.api import Model

DEFAULT_CONFIG: dict[str, Any] = {
    "model": {
        "@architectures": "spacy-bert-plugin.TokenClassifier.v1",
        "tok2vec": {
            "@architectures": "spacy-bert-plugin.BertListener.v1",
            "upstream": "*",
            "pooling": "mean",
        },
        "features": ["SHAPE", "PREFIX", "SUFFIX"],
        "feature_rows": 2000,
        "feature_width": 32,
        "feature_window": 1,
        "hidden_width": 0,
        "use_crf": False,
        "activation": "gelu",
        "use_bias": True,
        "use_norm": False,
        "use_norm_bias": True,
        "norm_eps": 1e-5,
        "outputs": [],
        "scheme": "biluo",
    },
    "threshold": 0.0,
    "label_smoothing": 0.0,
    "class_weights": {},
    "spans_key": None,
    "min_candidate": 0.05,
    "scorer": {"@scorers": "spacy.ner_scorer.v1"},
}
SCORES = {"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None}


@Language.factory(
    "bert_ner",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type"],
    default_config=DEFAULT_CONFIG,
    default_score_weights=SCORES,
)
def make_bert_ner(
    nlp: Language,
    name: str,
    model: Model[Any, Any],
    threshold: float,
    label_smoothing: float,
    class_weights: dict[str, float],
    spans_key: str | None,
    min_candidate: float,
    scorer: Any,
) -> Any:
    """Construct a named entity recogniser; see `BertNer`.

    model (Model[list[Doc], HeadOutput]): Built by `spacy-bert-plugin.TokenClassifier.v1`.
    threshold (float): Entities of less confidence are left out.
    label_smoothing (float): Share of the target that is spread over all tags.
    class_weights (dict): Weight in the loss of tokens of a label; "O" for those outside.
    spans_key (str | None): Where to write every candidate with its confidence; None: nowhere.
    min_candidate (float): Least confidence of a candidate.
    RAISES (SettingError): A value cannot work.
    """
    from .bert_ner import BertNer

    return BertNer(
        nlp.vocab,
        model,
        name,
        threshold=threshold,
        label_smoothing=label_smoothing,
        class_weights=class_weights,
        spans_key=spans_key,
        min_candidate=min_candidate,
        scorer=scorer,
    )
