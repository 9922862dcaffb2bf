"""What the entry points `spacy_factories` name: spaCy imports this when a pipeline is made.

spaCy knows a factory's defaults only from its decorator, so this module registers on import;
nothing else imports it. What it registers is loaded when a config uses it.
"""

from typing import Any

from spacy.language import Language
from thinc.api import Model

DEFAULT_CONFIG: dict[str, Any] = {
    "model": {
        "@architectures": "spacy-bert-plugin.BertEncoder.v1",
        "name": "minilm-l6",
        "revision": None,
        "sizes": {},
        "tokenizer": None,
        "output": "tokens",
        "max_pieces": None,
        "overlap": None,
        "batch_pieces": None,
        "precision": "fp32",
        "int8_skip": [],
        "freeze_layers": 0,
        "layer_decay": 1.0,
        "unfreeze_every": 0,
        "use_checkpointing": False,
        "piece_dropout": 0.0,
    },
    "keep": "doc",
    "precision": None,
}


@Language.factory("bert_transformer", assigns=["doc.tensor"], default_config=DEFAULT_CONFIG)
def make_bert_transformer(
    nlp: Language, name: str, model: Model[Any, Any], keep: str, precision: str | None
) -> Any:
    """Construct the shared encoder; see `BertTransformer`.

    model (Model[list[Doc], list[Floats2d]]): Built by `spacy-bert-plugin.BertEncoder.v1`.
    keep (str): What stays on a Doc: "none", "doc" (`doc.vector`), "tokens" (`doc.tensor` as
        well), "all" (`doc._.trf_data` as well).
    precision (str | None): "fp32", "bf16", "fp16", "int8" or "auto", whatever the pipeline was
        trained in; None leaves it to the model's own setting.
    RAISES (SettingError): A value cannot work.
    """
    from .bert_transformer import BertTransformer

    return BertTransformer(nlp.vocab, model, name, keep=keep, precision=precision)
