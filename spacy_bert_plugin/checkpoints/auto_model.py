"""Weights of a checkpoint <-> a model that transformers builds: ModernBERT, DeBERTa and others.

transformers is imported when such a checkpoint is met, and only then. It gets a config without
anything that could choose code (`auto_config`), and never sees the folder.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ..encoder.adapter import AutoModelAdapter
from ..errors import CheckpointError, Errors, SettingError
from .auto_convert import convert_weights, is_renamed
from .auto_refused import check_architecture
from .files import CheckpointFiles
from .own_model import check_shapes
from .shards import Weights, open_weights
from .unfilled import skip_random_weights

# Heads of other tasks, and constants that older releases stored.
_HEADS = (
    "classifier.",
    "cls.",
    "decoder.",
    "head.",
    "lm_head.",
    "lm_predictions.",
    "mask_predictions.",
    "pooler.",
    "pre_classifier.",
    "predictions.",
    "qa_outputs.",
    "score.",
    "sop_classifier.",
)
_POOLER = "pooler."
_CONSTANTS = ("position_ids", "token_type_ids", "inv_freq")


def load_auto_model(files: CheckpointFiles, raw: Mapping[str, Any]) -> AutoModelAdapter:
    """Build a model by transformers and give it the weights of a checkpoint.

    files (CheckpointFiles): The checkpoint.
    raw (Mapping[str, Any]): Its config, cleaned. `model_type` has to be one that transformers
        knows by itself.
    RETURNS (AutoModelAdapter): float32, on the CPU. Without a pooler if the file has none.
    RAISES (CheckpointError): transformers does not know the architecture or refuses its sizes, or
        a tensor is missing, unknown, misshapen or not finite.
    """
    source = files.where("config.json")
    with open_weights(files) as weights:
        # On "meta" first: sizes that do not fit the file are found before memory is taken.
        with skip_random_weights(device="meta"):
            empty = _build(raw, source)
        needed = [name for name, _ in empty.named_parameters() if not name.startswith(_POOLER)]
        if is_renamed(_strip(weights, empty), needed, raw["model_type"]):
            model, missing, unknown = convert_weights(empty, weights)
            _check_converted(weights, model, missing, unknown)
            has_pooler = not any(name.startswith(_POOLER) for name in missing)
        else:
            names = _fit(weights, empty)
            with skip_random_weights():
                model = _build(raw, source)
            has_pooler = any(name.startswith(_POOLER) for name in names.values())
            tensors = {names[hub]: tensor for hub, tensor in weights.read(names)}
            model.load_state_dict(tensors, strict=False, assign=True)
        if not has_pooler:
            _remove_pooler(model)
    try:
        return AutoModelAdapter(model.eval())
    except SettingError as error:
        raise CheckpointError(Errors.SB322.format(source=source, error=error)) from None


def list_auto_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Name the tensors of an adapter as transformers does.

    state (Mapping[str, Tensor]): The state_dict of an `AutoModelAdapter`.
    RETURNS (dict[str, Tensor]): Every tensor; one that shares memory with another is copied.
    """
    return {name.removeprefix("model."): tensor.clone() for name, tensor in state.items()}


def _build(raw: Mapping[str, Any], source: str) -> nn.Module:
    from transformers import AutoConfig, AutoModel, __version__
    from transformers.models.auto import modeling_auto

    model_type = raw["model_type"]
    check_architecture(model_type, source=source)
    known = {
        *modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        *modeling_auto.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES,
    }
    if model_type not in known:
        raise CheckpointError(
            Errors.SB321.format(source=source, got=model_type, version=__version__)
        )
    try:
        config = AutoConfig.for_model(**raw)
        model: nn.Module = AutoModel.from_config(config)
    except Exception as error:
        raise CheckpointError(Errors.SB322.format(source=source, error=error)) from error
    if config.is_encoder_decoder:
        raise CheckpointError(Errors.SB323.format(source=source, key="is_encoder_decoder"))
    return model


def _check_converted(
    weights: Weights, model: nn.Module, missing: set[str], unknown: set[str]
) -> None:
    """Check that a file held what a converted model needs, and no other encoder's tensors."""
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    expected = {name: shape for name, shape in shapes.items() if not name.startswith(_POOLER)}
    found = {name: shape for name, shape in expected.items() if name not in missing}
    extra = {name for name in unknown if not _is_head(name, weights, model)}
    found.update(dict.fromkeys(extra, ()))
    check_shapes(weights, expected, found, names={name: name for name in found}, family="auto")


def _fit(weights: Weights, model: nn.Module) -> dict[str, str]:
    """Find the model's name of every tensor. RAISES (CheckpointError): Not all fit."""
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    names: dict[str, str] = {}
    unknown: dict[str, str] = {}
    for hub, bare in zip(weights.entries, _strip(weights, model), strict=True):
        name = bare if bare in shapes else hub
        if name in shapes and name not in names.values():
            names[hub] = name
        elif not _is_head(hub, weights, model):
            unknown[hub] = hub
    needed = {name for name, _ in model.named_parameters()} | set(names.values())
    if not any(name.startswith(_POOLER) for name in names.values()):
        needed = {name for name in needed if not name.startswith(_POOLER)}
    expected = {name: shape for name, shape in shapes.items() if name in needed}
    found = {**names, **unknown}
    check_shapes(
        weights,
        expected,
        {name: weights.entries[hub].shape for hub, name in found.items()},
        names={name: hub for hub, name in found.items()},
        family="auto",
    )
    return names


def _strip(weights: Weights, model: nn.Module) -> list[str]:
    """Names of the file without what stands before the encoder's, in a file with a head."""
    prefix = _find_prefix(model)
    return [hub.removeprefix(prefix) for hub in weights.entries]


def _is_head(hub: str, weights: Weights, model: nn.Module) -> bool:
    """Whether a tensor that the encoder does not have belongs to the head of a task."""
    bare = hub.removeprefix(_find_prefix(model))
    if bare.startswith(_HEADS) or hub.endswith(_CONSTANTS):
        return True
    # In a file with a head, the encoder's tensors have a prefix and the head's have none.
    prefix = _find_prefix(model)
    return not hub.startswith(prefix) and any(n.startswith(prefix) for n in weights.entries)


def _find_prefix(model: nn.Module) -> str:
    return f"{getattr(model, 'base_model_prefix', '')}."


def _remove_pooler(model: nn.Module) -> None:
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # type: ignore[assignment]


def name_architecture(raw: Mapping[str, Any], encoder: AutoModelAdapter) -> dict[str, Any]:
    """Add the class of a model to its config, as transformers writes it.

    raw (Mapping[str, Any]): The config.
    encoder (AutoModelAdapter): What was built from it.
    RETURNS (dict[str, Any]): A copy.
    """
    return {**raw, "architectures": [type(encoder.model).__name__]}
