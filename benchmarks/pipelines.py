"""Pipelines with categories and entities, each as if the other systems were not installed."""

from __future__ import annotations

from importlib import metadata
from typing import Any

# spaCy imports what every installed package registers, so each system is measured as if the
# others were not installed. Distributions by system.
DISTRIBUTIONS = {
    "ours": "spacy-bert-plugin",
    "spacy-transformers": "spacy-transformers",
    "spacy-curated-transformers": "spacy-curated-transformers",
}


STRIDED_SPANS = {"window": 128, "stride": 96}
OUR_LISTENER = {"@architectures": "spacy-bert-plugin.BertListener.v1"}
THEIR_LISTENER = {
    "@architectures": "spacy-transformers.TransformerListener.v1",
    "grad_factor": 1.0,
    "pooling": {"@layers": "reduce_mean.v1"},
}
SPACY_NER = {
    "@architectures": "spacy.TransitionBasedParser.v2",
    "state_type": "ner",
    "extra_state_tokens": False,
    "hidden_width": 64,
    "maxout_pieces": 2,
    "use_upper": False,
}
SPACY_BOW = {
    "@architectures": "spacy.TextCatBOW.v3",
    "exclusive_classes": True,
    "length": 262144,
    "ngram_size": 1,
    "no_output_layer": False,
}


def hide_others(system: str) -> None:
    """Make the other systems look as if they were not installed; before spaCy is imported.

    system: Whose own package stays; any other name hides all of them.
    """
    hidden = {name for kept, name in DISTRIBUTIONS.items() if kept != system}
    list_all = metadata.distributions

    def list_kept(**kwargs: Any) -> Any:
        found = list_all(**kwargs)
        return (d for d in found if d.metadata["Name"].lower().replace("_", "-") not in hidden)

    metadata.distributions = list_kept


def add_ours(nlp: Any, checkpoint: str) -> None:
    """`bert_textcat` and `bert_ner` over one encoder, as their factories set them up."""
    nlp.add_pipe("bert_transformer", config={"model": {"name": checkpoint}})
    nlp.add_pipe("bert_textcat")
    nlp.add_pipe("bert_ner")


def add_spacy_transformers(nlp: Any, checkpoint: str) -> None:
    """spaCy's `textcat` and `ner` over spacy-transformers, as the quickstart configures them."""
    model = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": checkpoint,
        "tokenizer_config": {"use_fast": True},
        "get_spans": {"@span_getters": "spacy-transformers.strided_spans.v1", **STRIDED_SPANS},
    }
    nlp.add_pipe("transformer", config={"model": model})
    add_spacy_heads(nlp, THEIR_LISTENER)


def add_spacy_heads(nlp: Any, listener: dict[str, Any]) -> None:
    """`textcat` and `ner` as spaCy's quickstart configures them over a transformer."""
    textcat = {
        "@architectures": "spacy.TextCatEnsemble.v2",
        "tok2vec": listener,
        "linear_model": SPACY_BOW,
    }
    nlp.add_pipe("textcat", config={"model": textcat})
    nlp.add_pipe("ner", config={"model": {**SPACY_NER, "tok2vec": listener}})
