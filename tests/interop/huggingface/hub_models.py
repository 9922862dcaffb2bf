"""Tiny random models of transformers, saved as somebody else would have saved them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 37,
    "max_position_embeddings": 66,
    "initializer_range": 0.3,
    "pad_token_id": 0,
}
DISENTANGLED = {
    "relative_attention": True,
    "pos_att_type": ["c2p", "p2c"],
    "pooler_hidden_size": 32,
}
# What each architecture wants besides, or instead.
OWN: dict[str, dict[str, Any]] = {
    "bert": {},
    "roberta": {},
    "xlm-roberta": {},
    "camembert": {},
    "electra": {"embedding_size": 16},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 37},
    "albert": {"embedding_size": 16},
    "mpnet": {"pad_token_id": 1},  # its code counts on 1
    "deberta": {**DISENTANGLED, "max_relative_positions": 8, "pooler_hidden_act": "gelu"},
    "deberta-v2": {**DISENTANGLED, "position_buckets": 4, "pooler_hidden_act": "relu"},
    "modernbert": {"global_attn_every_n_layers": 2, "local_attention": 8, "cls_token_id": 2,
                   "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3},
    "longformer": {"attention_window": 8},
}  # fmt: skip
KINDS = {
    "tokens": "AutoModelForTokenClassification",
    "texts": "AutoModelForSequenceClassification",
    "masked": "AutoModelForMaskedLM",
}
BIO = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
CATEGORIES = ["good", "bad", "neither"]
TEXTS = [
    "hello new york",
    "Please play some music by bad sentence in Paris, tomorrow!",
    "i",
    "it was a long word [SEP] of berlin",
]

MakeHub = Callable[..., Path]


def edit_config(path: Path, **values: Any) -> None:
    """Change keys of config.json; None takes them away."""
    file = path / "config.json"
    config = {**json.loads(file.read_text()), **values}
    config = {key: value for key, value in config.items() if value is not None}
    file.write_text(json.dumps(config))


def move_pad(tokenizer_json: str) -> str:
    """Give [PAD] the id 1, and [UNK] the id 0."""
    data = json.loads(tokenizer_json)
    vocab = data["model"]["vocab"]
    vocab["[PAD]"], vocab["[UNK]"] = 1, 0
    for token in data["added_tokens"]:
        token["id"] = vocab[token["content"]]
    return json.dumps(data)
