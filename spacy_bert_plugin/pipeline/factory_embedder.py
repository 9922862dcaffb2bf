"""The factory `bert_embedder`, declared without loading what it needs."""

from typing import Any

from spacy.language import Language
from thinc.api import Model

DEFAULT_CONFIG: dict[str, Any] = {
    "model": {
        "@architectures": "spacy-bert-plugin.Embedder.v1",
        "tok2vec": {
            "@architectures": "spacy-bert-plugin.BertPooledListener.v1",
            "upstream": "*",
            "pooling": "pieces",
        },
        "normalize": True,
        "dense_width": 0,
        "dense_activation": "tanh",
        "dense_bias": True,
    },
    "spans": None,
    "loss": {
        "@misc": "spacy-bert-plugin.InBatchNegatives.v1",
        "scale": 20.0,
        "both_ways": False,
    },
    "score_key": "similarity",
    "scorer": None,
}
SCORES = {
    "similarity_score": 1.0,
    "similarity_spearman": None,
    "similarity_pearson": None,
    "similarity_mrr": None,
    "similarity_recall_1": None,
    "similarity_recall_5": None,
    "similarity_recall_10": None,
}


@Language.factory(
    "bert_embedder",
    assigns=["doc._.embedding", "span._.embedding"],
    default_config=DEFAULT_CONFIG,
    default_score_weights=SCORES,
)
def make_bert_embedder(
    nlp: Language,
    name: str,
    model: Model[Any, Any],
    spans: str | None,
    loss: Any,
    score_key: str,
    scorer: Any,
) -> Any:
    """Construct a component that embeds texts; see `BertEmbedder`.

    model (Model[list[Doc], HeadOutput]): Built by `spacy-bert-plugin.Embedder.v1`.
    spans (str | None): What else than the Doc is embedded: "sents", or a key of `doc.spans`.
    loss (Callable): "spacy-bert-plugin.InBatchNegatives.v1", "spacy-bert-plugin.CosineLoss.v1" or
        "spacy-bert-plugin.TripletLoss.v1".
    score_key (str): Where `doc.cats` says how similar the first two texts of a Doc are.
    scorer (Callable | None): Scoring method; None: correlation with gold scores, and search.
    RAISES (SettingError): A value cannot work.
    """
    from .bert_embedder import BertEmbedder

    return BertEmbedder(
        nlp.vocab, model, name, spans=spans, loss=loss, score_key=score_key, scorer=scorer
    )
