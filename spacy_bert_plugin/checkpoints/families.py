"""The families that our own encoder computes: keys of their config.json, beside our fields.

Keys and default values are those of transformers' configuration classes, for instance
https://huggingface.co/docs/transformers/model_doc/bert#transformers.BertConfig
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

# Hugging Face's name of an activation function -> ours. The first name of each is written.
ACTIVATIONS = MappingProxyType(
    {
        "gelu": "gelu",
        "gelu_new": "gelu_tanh",
        "relu": "relu",
        "silu": "silu",
        "gelu_python": "gelu",
        "gelu_fast": "gelu_tanh",
        "gelu_pytorch_tanh": "gelu_tanh",
        "swish": "silu",
    }
)


@dataclass(frozen=True)
class Family:
    """How one family writes its config.json.

    architecture: The class of transformers that holds the bare encoder.
    keys: Field of `EncoderConfig` -> key of config.json.
    defaults: Key of config.json -> the value where the file has none.
    fixed: Field of `EncoderConfig` -> the only value that this family can have.
    use_position_offset: Whether positions start behind the row of the padding piece.
    """

    architecture: str
    keys: Mapping[str, str]
    defaults: Mapping[str, object]
    fixed: Mapping[str, object]
    use_position_offset: bool = False


_BERT_KEYS = {
    "vocab_size": "vocab_size",
    "width": "hidden_size",
    "n_layers": "num_hidden_layers",
    "n_heads": "num_attention_heads",
    "hidden_width": "intermediate_size",
    "n_positions": "max_position_embeddings",
    "n_segments": "type_vocab_size",
    "activation": "hidden_act",
    "layer_norm_eps": "layer_norm_eps",
    "dropout": "hidden_dropout_prob",
    "attention_dropout": "attention_probs_dropout_prob",
    "initializer_range": "initializer_range",
}
_BERT_DEFAULTS = {
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "initializer_range": 0.02,
    "pad_token_id": 0,
}
_ELECTRA_DEFAULTS = {
    "embedding_size": 128,
    "hidden_size": 256,
    "num_attention_heads": 4,
    "intermediate_size": 1024,
}
_DISTILBERT_KEYS = {
    "vocab_size": "vocab_size",
    "width": "dim",
    "n_layers": "n_layers",
    "n_heads": "n_heads",
    "hidden_width": "hidden_dim",
    "n_positions": "max_position_embeddings",
    "activation": "activation",
    "dropout": "dropout",
    "attention_dropout": "attention_dropout",
    "initializer_range": "initializer_range",
}
_DISTILBERT_DEFAULTS = {
    "vocab_size": 30522,
    "dim": 768,
    "n_layers": 6,
    "n_heads": 12,
    "hidden_dim": 3072,
    "max_position_embeddings": 512,
    "activation": "gelu",
    "dropout": 0.1,
    "attention_dropout": 0.1,
    "initializer_range": 0.02,
    "pad_token_id": 0,
}


def _make_roberta(architecture: str, vocab_size: int) -> Family:
    defaults = {**_BERT_DEFAULTS, "vocab_size": vocab_size, "pad_token_id": 1}
    return Family(architecture, _BERT_KEYS, defaults, {}, use_position_offset=True)


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "bert": Family("BertModel", _BERT_KEYS, _BERT_DEFAULTS, {"position_offset": 0}),
        "roberta": _make_roberta("RobertaModel", 50265),
        "xlm-roberta": _make_roberta("XLMRobertaModel", 30522),
        "camembert": _make_roberta("CamembertModel", 30522),
        "electra": Family(
            "ElectraModel",
            {**_BERT_KEYS, "embedding_width": "embedding_size"},
            {**_BERT_DEFAULTS, **_ELECTRA_DEFAULTS},
            {"position_offset": 0, "use_pooler": False},
        ),
        "distilbert": Family(
            "DistilBertModel",
            _DISTILBERT_KEYS,
            _DISTILBERT_DEFAULTS,
            {
                "position_offset": 0,
                "n_segments": 0,
                "layer_norm_eps": 1e-12,
                "use_pooler": False,
            },
        ),
    }
)
