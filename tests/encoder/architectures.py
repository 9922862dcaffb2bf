"""Architectures of transformers that run through the adapter, as tiny random models.

The table of docs/doors/encoders.md names these and no others.
"""

from typing import Any

import torch
from torch import nn
from transformers import CONFIG_MAPPING, AutoModel

BASE: dict[str, Any] = {
    "vocab_size": 67,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    "max_position_embeddings": 40,
    "type_vocab_size": 2,
    "pad_token_id": 0,
}
ONE = {**BASE, "type_vocab_size": 1, "pad_token_id": 1}  # as RoBERTa
PLAIN = {key: value for key, value in BASE.items() if key != "type_vocab_size"}
DECODER = {**PLAIN, "num_key_value_heads": 2, "head_dim": 6, "bos_token_id": 2, "eos_token_id": 3}
DEBERTA = {
    "type_vocab_size": 0,
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
}
CONVOLUTION = {"embedding_size": 16, "conv_kernel_size": 3}
MOBILE = {"embedding_size": 16, "intra_bottleneck_size": 24}
PAGES = {"max_2d_position_embeddings": 32}
SQUEEZE = dict.fromkeys(
    ["q_groups", "k_groups", "v_groups", "intermediate_groups", "output_groups"], 2
)

# model_type -> settings of a tiny model.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "albert": {**BASE, "embedding_size": 16},
    "big_bird": {**BASE, "block_size": 4, "num_random_blocks": 1},
    "convbert": {**BASE, **CONVOLUTION},
    "data2vec-text": ONE,
    "deberta": {**BASE, **DEBERTA, "position_biased_input": True},
    "deberta-v2": {
        **BASE,
        **DEBERTA,
        "position_buckets": 8,
        "share_att_key": True,
        "norm_rel_ebd": "layer_norm",
    },
    "ernie": BASE,
    "eurobert": DECODER,
    "fnet": {**PLAIN, "type_vocab_size": 4},
    "gte": BASE,
    "ibert": ONE,
    "jina_embeddings_v3": ONE,
    "layoutlm": {**BASE, **PAGES},
    "layoutlmv3": {**ONE, **PAGES, "coordinate_size": 4, "shape_size": 4, "visual_embed": False},
    "lilt": {**ONE, **PAGES, "channel_shrink_ratio": 2},
    "longformer": {**ONE, "attention_window": [4, 4], "max_position_embeddings": 42},
    "luke": {**ONE, "entity_vocab_size": 5, "entity_emb_size": 8},
    "markuplm": {**BASE, "max_depth": 5, "xpath_unit_hidden_size": 4},
    "megatron-bert": BASE,
    "mobilebert": {**BASE, **MOBILE},
    "modernbert": {
        **PLAIN,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "cls_token_id": 2,
        "sep_token_id": 3,
        "local_attention": 8,
        "global_attn_every_n_layers": 2,
    },
    "mpnet": ONE,
    "nomic_bert": BASE,
    "qwen3": DECODER,
    "rembert": {**BASE, "input_embedding_size": 16, "output_embedding_size": 16},
    "roberta-prelayernorm": ONE,
    "roformer": {**BASE, "embedding_size": 16},
    "squeezebert": {**BASE, "embedding_size": 24, **SQUEEZE},
    "xlm-roberta-xl": ONE,
    "xlnet": {
        "vocab_size": 67,
        "d_model": 24,
        "n_layer": 2,
        "n_head": 4,
        "d_inner": 40,
        "pad_token_id": 0,
    },
    "xmod": {**ONE, "languages": ["en_XX", "de_DE"], "default_language": "de_DE"},
}
# What code of transformers 4 and of older architectures makes newer releases of torch say.
WARNINGS = (
    "ignore:.*torch.jit.*:DeprecationWarning",
    "ignore:The `device` argument is deprecated:FutureWarning",
)
# Those that the installed transformers knows.
KNOWN = sorted(set(ARCHITECTURES) & set(CONFIG_MAPPING))


def build_model(name: str, *, head: Any = AutoModel, **changes: Any) -> nn.Module:
    """Build a tiny model whose every parameter is random, and the same each time."""
    torch.manual_seed(5)
    model = head.from_config(make_config(name, **changes))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def make_config(name: str, **changes: Any) -> Any:
    """Build the config of a tiny model."""
    return CONFIG_MAPPING[name](**{**ARCHITECTURES[name], **changes})
