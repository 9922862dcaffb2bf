"""The block of a shared encoder: theirs -> `bert_transformer`."""

import re
from typing import Any

from ...errors import Errors, SettingError
from .changes import Changes

OURS = "spacy-bert-plugin.BertEncoder.v1"
FACTORIES = ("transformer", "curated_transformer")
# What a block without a model stands for.
DEFAULT, DEFAULT_NAME = "spacy-transformers.TransformerModel.v3", "roberta-base"
CURATED_DEFAULT = "spacy-curated-transformers.XlmrTransformer.v1"
MODELS = re.compile(r"spacy-transformers\.TransformerModel\.v[123]", re.ASCII)
INLINE = re.compile(r"spacy-transformers\.Tok2VecTransformer\.v[123]", re.ASCII)
CURATED = re.compile(
    r"spacy-curated-transformers\.(Albert|Bert|Camembert|Roberta|Xlmr)Transformer\.v1", re.ASCII
)
HUB_LOADER = "spacy-curated-transformers.HFTransformerEncoderLoader.v1"

_WINDOWS = (
    "windows are counted in pieces: a text that fits the encoder is one window, a longer one is "
    "split with an overlap, and nothing is cut off"
)
_SIZES = "sizes come with the checkpoint"
_DROPOUT = "training.dropout is the dropout of the encoder"
COMPONENT_REASONS = {
    "max_batch_items": "batch_pieces bounds a forward pass; what suits the device if left out",
    "set_extra_annotations": 'keep = "all" leaves doc._.trf_data on the Doc',
    "all_layer_outputs": 'keep = "all" leaves every layer in doc._.trf_data',
}
MODEL_REASONS = {
    "get_spans": _WINDOWS,
    "with_spans": _WINDOWS,
    "tokenizer_config": "tokenizer.json of the checkpoint is used as it is",
    "transformer_config": "config.json of the checkpoint is used as it is",
    "grad_scaler_config": "losses are scaled by themselves where a precision needs it",
    "piece_encoder": "the tokenizer comes with the checkpoint",
    "torchscript": "models in TorchScript are not read",
    "attention_probs_dropout_prob": _DROPOUT,
    "hidden_dropout_prob": _DROPOUT,
    **dict.fromkeys(
        (
            "vocab_size",
            "embedding_width",
            "hidden_act",
            "hidden_width",
            "intermediate_width",
            "layer_norm_eps",
            "max_position_embeddings",
            "model_max_length",
            "num_attention_heads",
            "num_hidden_groups",
            "num_hidden_layers",
            "padding_idx",
            "type_vocab_size",
        ),
        _SIZES,
    ),
}


def convert_encoder(
    name: str,
    block: dict[str, Any],
    loaders: dict[str, Any] | None,
    changes: Changes,
    *,
    is_trained: bool,
) -> dict[str, Any]:
    """Turn the block of a component into that of a `bert_transformer` of the same name.

    name (str): Name of the component.
    block (dict): `[components.NAME]`.
    loaders (dict | None): `[initialize.components.NAME]`, where curated encoders come from.
    changes (Changes): Where to note what was done.
    is_trained (bool): Whether there are weights, whose predictions are to stay the same.
    RETURNS (dict): The new block.
    RAISES (SettingError): Its model is of a kind that has no counterpart.
    """
    section = f"components.{name}"
    model = dict(block.get("model") or {})
    default = CURATED_DEFAULT if block["factory"] == FACTORIES[1] else DEFAULT
    architecture = str(model.get("@architectures", default))
    frozen = {}
    if CURATED.fullmatch(architecture):
        source = _find_loader(name, loaders)
        frozen = {"freeze_layers": -1} if block.get("frozen") else {}
    elif MODELS.fullmatch(architecture):
        source = {"name": model.get("name", DEFAULT_NAME)}
    else:
        raise SettingError(Errors.SB764.format(section=f"{section}.model", got=architecture))
    changes.add(section, f'factory = "{block["factory"]}"', 'factory = "bert_transformer"')
    if frozen:
        changes.add(section, "frozen = true", "freeze_layers = -1")
    changes.drop(section, block, COMPONENT_REASONS)
    if is_trained:
        model.pop("mixed_precision", None)  # fp32 is closest to any precision
    converted = convert_model(f"{section}.model", model, source, changes)
    return {"factory": "bert_transformer", "model": {**converted, **frozen}}


def convert_model(
    section: str, model: dict[str, Any], source: dict[str, Any], changes: Changes
) -> dict[str, Any]:
    """Turn the block of a model into that of `BertEncoder.v1`.

    source (dict): Name and revision of the checkpoint.
    """
    precision = {}
    old = model.get("@architectures", "the default model")
    changes.add(section, str(old), OURS)
    if model.get("mixed_precision"):
        precision = {"precision": "auto"}
        why = "bf16 where the device computes it in hardware, else fp32"
        changes.add(section, "mixed_precision = true", 'precision = "auto"', why)
    changes.drop(section, _leave_out_usual(model), MODEL_REASONS)
    return {"@architectures": OURS, **source, **precision}


def _leave_out_usual(model: dict[str, Any]) -> dict[str, Any]:
    """Fast tokenizers are the only ones that we have: nothing to say about asking for one."""
    kept = dict(model)
    tokenizer = kept.get("tokenizer_config")
    if isinstance(tokenizer, dict):
        kept["tokenizer_config"] = {k: v for k, v in tokenizer.items() if k != "use_fast"}
    return kept


def _find_loader(name: str, loaders: dict[str, Any] | None) -> dict[str, Any]:
    """Checkpoint that a curated encoder takes its weights from."""
    loader = (loaders or {}).get("encoder_loader")
    got = loader.get("@model_loaders") if isinstance(loader, dict) else loader
    if not isinstance(loader, dict) or got != HUB_LOADER:
        raise SettingError(Errors.SB765.format(name=name, got=got, expected=HUB_LOADER))
    return {key: loader[key] for key in ("name", "revision") if key in loader}


def is_encoder(block: Any) -> bool:
    """Whether `[components.NAME]` is a shared encoder of another library."""
    return isinstance(block, dict) and block.get("factory") in FACTORIES
