"""Heads of pretraining that lie beside an encoder in a checkpoint: read, and named to be written.

The piece table, which scores of masked words are computed with, is the encoder's own and is never
stored a second time.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import CheckpointError, Errors, SettingError
from .atomic import find_folder
from .config_json import AUTO, HubConfig, parse_config
from .families import ACTIVATIONS, FAMILIES
from .files import open_folder
from .mlm_names import NEXT_SENTENCE, HeadKind, find_kind, match_kind, to_head_names
from .names import PREFIXES
from .shards import Weights, open_weights

MASKED_WORDS = "masked_words"
NEXT_SENTENCES = "next_sentence"
# State of each head by its name, one of the two above.
HeadTensors = Mapping[str, Mapping[str, Tensor]]
NO_HEADS: HeadTensors = {}
_CONFIG, _MAX_CONFIG = "config.json", 4 * 1024 * 1024
_REQUIRED = {"dense.weight", "norm.weight", "bias"}


@dataclass(frozen=True)
class StoredHead:
    """A head as a checkpoint has it.

    sizes (dict[str, Any]): What the module is made with.
    tensors (dict[str, Tensor]): Its state, under our names.
    """

    sizes: dict[str, Any]
    tensors: dict[str, Tensor]


def read_masked_words(path: Path, *, is_own: bool = False) -> StoredHead | None:
    """Read the masked-word head of a checkpoint.

    path (Path): A Hugging Face folder.
    is_own (bool): Whether `save_checkpoint` wrote it: then every byte has to be what was saved.
    RETURNS (StoredHead | None): None if the checkpoint has no such head.
    RAISES (CheckpointError): It has one of a kind that is not known, or a file is damaged.
    """
    files = open_folder(find_folder(path) if is_own else path, is_own=is_own)
    source = files.where(_CONFIG)
    config = parse_config(files.read_text(_CONFIG, limit=_MAX_CONFIG), source=source)
    with open_weights(files) as weights:
        kind = match_kind(weights.entries)
        if kind is None:
            return None
        names, unknown = to_head_names(kind, weights.entries)
        missing = sorted(_REQUIRED - set(names.values()))
        if unknown or missing:
            expected = f"the tensors {', '.join(kind.names.values())}"
            got = ", ".join(unknown) or f"all but {', '.join(kind.names[n] for n in missing)}"
            raise _refuse(files.source, expected, got)
        sizes = _read_sizes(config, kind, files.source)
        tensors = _read(weights, names, kind)
    files.check_rest()
    (vocab_size,), (embedding_width, width) = tensors["bias"].shape, tensors["dense.weight"].shape
    sizes.update(
        width=width,
        vocab_size=vocab_size,
        embedding_width=embedding_width,
        use_bias="dense.bias" in tensors,
        use_norm_bias="norm.bias" in tensors,
    )
    return StoredHead(sizes, tensors)


def read_next_sentence(path: Path, *, is_own: bool = False) -> StoredHead | None:
    """Read the next-sentence head of a checkpoint. Arguments and errors: as of the other head.

    RETURNS (StoredHead | None): None if the checkpoint has no such head.
    """
    files = open_folder(find_folder(path) if is_own else path, is_own=is_own)
    names = {f"{NEXT_SENTENCE}.{part}": f"output.{part}" for part in ("weight", "bias")}
    with open_weights(files) as weights:
        if not set(names) <= set(weights.entries):
            return None
        tensors = {names[hub]: tensor for hub, tensor in weights.read(names)}
    return StoredHead({"width": tensors["output.weight"].shape[1]}, tensors)


def describe_masked_words(config: HubConfig) -> dict[str, Any]:
    """What transformers gives the head of an architecture that no file has yet.

    config (HubConfig): The encoder's.
    RETURNS (dict[str, Any]): Activation, epsilon and which biases there are.
    """
    kind = _find_kind(config)
    sizes = _read_sizes(config, kind, "the encoder")
    if kind.activation == "classifier_activation":  # ModernBERT
        sizes["use_bias"] = bool(_get(config, "classifier_bias"))
        sizes["use_norm_bias"] = bool(_get(config, "norm_bias"))
    return sizes


def name_heads(
    heads: HeadTensors, encoder: Mapping[str, Tensor], config: HubConfig, *, prefix: str | None
) -> tuple[dict[str, Tensor], HubConfig]:
    """Name everything that a checkpoint with heads holds as transformers does.

    heads (HeadTensors): State of each head.
    encoder (Mapping[str, Tensor]): Tensors of the encoder under the hub's names.
    config (HubConfig): The encoder's.
    prefix (str | None): What transformers puts before them; None: that of the family.
    RETURNS: All tensors; the config, which names the class that opens them.
    RAISES (SettingError): The family has no such head.
    """
    if not heads:
        return dict(encoder), config
    for name in heads:
        if name not in (MASKED_WORDS, NEXT_SENTENCES):
            expected = f"{MASKED_WORDS} or {NEXT_SENTENCES}"
            raise SettingError(Errors.SB002.format(name="heads", expected=expected, got=name))
    if NEXT_SENTENCES in heads and config.family != "bert":
        raise SettingError(Errors.SB535.format(got=config.raw["model_type"]))
    # With a head in the file, transformers looks for the encoder behind its prefix only.
    prefix = PREFIXES[config.family] if prefix is None else prefix
    named = {f"{prefix}{name}": tensor for name, tensor in encoder.items()}
    names = _find_kind(config).names
    named.update((names[n], tensor) for n, tensor in heads.get(MASKED_WORDS, {}).items())
    for name, tensor in heads.get(NEXT_SENTENCES, {}).items():
        named[f"{NEXT_SENTENCE}.{name.removeprefix('output.')}"] = tensor
    raw = {**config.raw, "architectures": [_find_class(config, heads)]}
    return named, HubConfig(config.family, raw, config.encoder)


def _find_class(config: HubConfig, heads: Collection[str]) -> str:
    if config.family == AUTO:
        from transformers.models.auto import modeling_auto

        names = modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
        return str(names.get(config.raw["model_type"], "AutoModelForMaskedLM"))
    task = "ForPreTraining" if NEXT_SENTENCES in heads else "ForMaskedLM"
    return FAMILIES[config.family].architecture.removesuffix("Model") + task


def _find_kind(config: HubConfig) -> HeadKind:
    return find_kind(config.raw["model_type"], is_legacy=config.raw.get("legacy") is not False)


def _read(weights: Weights, names: Mapping[str, str], kind: HeadKind) -> dict[str, Tensor]:
    """Read the tensors of a head. RAISES (CheckpointError): It has a piece table of its own."""
    entries = weights.entries
    tables: set[str] = set()
    if kind.table in entries:
        shape = entries[kind.table].shape
        tables = {name for name, entry in entries.items() if entry.shape == shape}
    read = dict(weights.read({*names, *tables}))
    own = read.get(kind.table)
    others = [read[name] for name in tables if name != kind.table]
    if own is not None and not any(bool((own == other).all()) for other in others):
        raise CheckpointError(Errors.SB532.format(source=weights.source, name=kind.table))
    return {ours: read[hub] for hub, ours in names.items()}


def _read_sizes(config: HubConfig, kind: HeadKind, source: str) -> dict[str, Any]:
    activation = "gelu" if kind.activation is None else _get(config, kind.activation)
    if activation not in ACTIVATIONS:
        expected = f"an activation of {', '.join(ACTIVATIONS)}"
        raise _refuse(source, expected, repr(activation))
    eps = 1e-12 if kind.eps is None else _get(config, kind.eps)
    return {"activation": ACTIVATIONS[activation], "eps": float(eps)}


def _get(config: HubConfig, key: str) -> Any:
    """Look up a setting, with the default of transformers where the file has none."""
    value = config.raw.get(key)
    if value is None and config.family == AUTO:
        from transformers import AutoConfig

        value = getattr(AutoConfig.for_model(**config.raw), key, None)
    return value


def _refuse(source: str, expected: str, got: str) -> CheckpointError:
    return CheckpointError(Errors.SB531.format(source=source, expected=expected, got=got[:400]))
