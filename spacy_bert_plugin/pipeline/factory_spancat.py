"""The factory `bert_spancat`, declared without loading what it needs."""

from typing import Any

from spacy.language import Language
from thinc.api import Model

DEFAULT_CONFIG: dict[str, Any] = {
    "model": {
        "@architectures": "spacy-bert-plugin.SpanScorer.v1",
        "tok2vec": {
            "@architectures": "spacy-bert-plugin.BertListener.v1",
            "upstream": "*",
            "pooling": "mean",
        },
        "scoring": "biaffine",
        "hidden_width": 64,
    },
    "spans_key": "sc",
    "threshold": 0.5,
    "max_length": 12,
    "max_positive": None,
    "allow_overlap": True,
    "positive_weight": 1.0,
    "scorer": {"@scorers": "spacy.spancat_scorer.v1"},
}
SCORES = {"spans_sc_f": 1.0, "spans_sc_p": 0.0, "spans_sc_r": 0.0}


@Language.factory(
    "bert_spancat",
    assigns=["doc.spans"],
    default_config=DEFAULT_CONFIG,
    default_score_weights=SCORES,
)
def make_bert_spancat(
    nlp: Language,
    name: str,
    model: Model[Any, Any],
    spans_key: str,
    threshold: float,
    max_length: int,
    max_positive: int | None,
    allow_overlap: bool,
    positive_weight: float,
    scorer: Any,
) -> Any:
    """Construct a component that finds nested and overlapping spans; see `BertSpanCategorizer`.

    model (Model[list[Doc], HeadOutput]): Built by `spacy-bert-plugin.SpanScorer.v1`.
    spans_key (str): Where spans are read and written: `doc.spans[spans_key]`.
    threshold (float): Least confidence of a span, from 0 to 1.
    max_length (int): Most tokens of a span.
    max_positive (int | None): Most labels of spans with the same start and end; None for any.
    allow_overlap (bool): Whether spans may share tokens; if not, the most confident ones stay.
    positive_weight (float): Factor on the loss of annotated spans: above 1, more are found, and
        confidences are too high until they are calibrated.
    scorer (Callable | None): How `nlp.evaluate` scores it.
    RAISES (SettingError): A value cannot work.
    """
    from .bert_spancat import BertSpanCategorizer

    return BertSpanCategorizer(
        nlp.vocab,
        model,
        name,
        spans_key=spans_key,
        threshold=threshold,
        max_length=max_length,
        max_positive=max_positive,
        allow_overlap=allow_overlap,
        positive_weight=positive_weight,
        scorer=scorer,
    )
