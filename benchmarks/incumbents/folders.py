"""Tiny random checkpoints under the names that spacy-transformers' tests ask the hub for."""

from pathlib import Path

import torch
from transformers import (
    AlbertConfig,
    AutoModel,
    DistilBertConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
    XLMRobertaConfig,
)

from .tiny import SPECIAL, write_tokenizer

SHARED = {"vocab_size": 256 + len(SPECIAL), "max_position_embeddings": 514, "pad_token_id": 1}
BERT_LIKE = {
    **SHARED,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}
DISTIL = DistilBertConfig(**SHARED, dim=32, n_layers=2, n_heads=4, hidden_dim=64)
CONFIGS = {
    "albert-base-v2": AlbertConfig(**BERT_LIKE, embedding_size=16),
    "distilbert-base-uncased": DISTIL,
    "hf-internal-testing/tiny-random-DistilBertModel": DISTIL,
    "hf-internal-testing/tiny-xlm-roberta": XLMRobertaConfig(**BERT_LIKE),
    "roberta-base": RobertaConfig(**BERT_LIKE),
}


def write_folders(path: Path) -> None:
    """Write one folder for each name, where a relative path of that name finds it."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(Path(write_tokenizer()) / "tokenizer.json"),
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=512,
    )
    torch.manual_seed(0)
    for name, config in CONFIGS.items():
        AutoModel.from_config(config).save_pretrained(path / name)
        tokenizer.save_pretrained(path / name)
