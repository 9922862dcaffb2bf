"""Tiny random models of the reference implementation, and our encoder with the same weights."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import CONFIG_MAPPING, AutoModel

from spacy_bert_plugin.checkpoints.names import to_ours
from spacy_bert_plugin.encoder import BertEncoder, EncoderConfig

SIZES = {
    "vocab_size": 67,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    "max_position_embeddings": 70,
    "type_vocab_size": 2,
}
ROBERTA = {**SIZES, "type_vocab_size": 1, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
DISTILBERT = {
    "vocab_size": 67,
    "dim": 24,
    "n_layers": 3,
    "n_heads": 4,
    "hidden_dim": 40,
    "max_position_embeddings": 70,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "bert": SIZES,
    "roberta": ROBERTA,
    "xlm-roberta": ROBERTA,
    "camembert": ROBERTA,
    "electra": {**SIZES, "embedding_size": 16},
    "distilbert": DISTILBERT,
}
ACTIVATIONS = {"gelu": "gelu", "gelu_new": "gelu_tanh", "relu": "relu", "silu": "silu"}


def build_reference(family: str, **settings: Any) -> nn.Module:
    """Build a model of transformers whose every parameter is random, and the same each time."""
    torch.manual_seed(7)
    config = CONFIG_MAPPING[family](**{**FAMILIES[family], **settings})
    model = AutoModel.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            is_scale = "norm" in name.lower() and name.endswith("weight")
            parameter.normal_(1.0 if is_scale else 0.0, 0.15)
    return model.eval()


def read_config(reference: nn.Module) -> EncoderConfig:
    """Describe a reference model as our config does."""
    config = reference.config
    is_roberta = "roberta" in config.model_type or config.model_type == "camembert"
    has_segments = hasattr(reference.embeddings, "token_type_embeddings")
    is_distilbert = config.model_type == "distilbert"
    return EncoderConfig(
        vocab_size=config.vocab_size,
        width=config.hidden_size,
        n_layers=config.num_hidden_layers,
        n_heads=config.num_attention_heads,
        hidden_width=config.hidden_dim if is_distilbert else config.intermediate_size,
        n_positions=config.max_position_embeddings,
        n_segments=config.type_vocab_size if has_segments else 0,
        embedding_width=getattr(config, "embedding_size", config.hidden_size),
        position_offset=2 if is_roberta else 0,
        activation=ACTIVATIONS[config.activation if is_distilbert else config.hidden_act],
        layer_norm_eps=1e-12 if is_distilbert else config.layer_norm_eps,
        use_pooler=getattr(reference, "pooler", None) is not None,
    )


def convert(reference: nn.Module) -> BertEncoder:
    """Build our encoder with the weights of a reference model."""
    encoder = BertEncoder(read_config(reference))
    encoder.load_state_dict(rename(reference, dict(reference.named_parameters())))
    return encoder


def rename(reference: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give tensors of a reference model our names."""
    names = to_ours(reference.config.model_type, tensors)
    return {ours: tensors[hub].detach().clone() for hub, ours in names.ours.items()}


def run_reference(reference: nn.Module, window: Sequence[int]) -> Any:
    """Run one window alone, so without padding."""
    return reference(torch.tensor([window]), output_hidden_states=True, return_dict=True)


def make_windows(lengths: Sequence[int], *, seed: int = 3) -> list[list[int]]:
    """Draw piece ids from 3 up, so that none is a special piece."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(3, 67, (n,), generator=generator).tolist() for n in lengths]


def measure_difference(a: Tensor, b: Tensor) -> float:
    """Return the largest absolute difference."""
    return float((a.detach() - b.detach()).abs().max())
