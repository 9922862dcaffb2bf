"""Weights of a checkpoint <-> our packed encoder."""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from ..encoder import BertEncoder, EncoderConfig
from ..errors import CheckpointError, Errors
from .files import CheckpointFiles
from .names import to_hub, to_ours
from .shards import Weights, open_weights
from .unfilled import skip_random_weights

_N_SHOWN = 8


def load_own_model(files: CheckpointFiles, sizes: EncoderConfig, *, family: str) -> BertEncoder:
    """Build our encoder and give it the weights of a checkpoint, without random ones before.

    files (CheckpointFiles): The checkpoint.
    sizes (EncoderConfig): What its config.json says.
    family (str): Its family.
    RETURNS (BertEncoder): float32, on the CPU. It has a pooler if the file has one.
    RAISES (CheckpointError): A tensor is missing, unknown, misshapen or not finite.
    """
    with open_weights(files) as weights:
        names = to_ours(family, weights.entries)
        if names.unknown or names.clashes:
            raise _list_names(Errors.SB333, weights, [*names.unknown, *names.clashes], family)
        if not any(ours.startswith("pooler.") for ours in names.ours.values()):
            sizes = replace(sizes, use_pooler=False)
        encoder = build_empty(sizes)
        shapes = {name: tuple(tensor.shape) for name, tensor in encoder.state_dict().items()}
        found = {ours: weights.entries[hub].shape for hub, ours in names.ours.items()}
        hub_names = {ours: hub for hub, ours in names.ours.items()}
        check_shapes(weights, shapes, found, names=hub_names, family=family)
        tensors = {names.ours[hub]: tensor for hub, tensor in weights.read(names.ours)}
    encoder.load_state_dict(tensors, assign=True)
    return encoder


def build_empty(sizes: EncoderConfig) -> BertEncoder:
    """Build an encoder whose tensors have shapes but no memory yet."""
    with skip_random_weights(device="meta"):
        return BertEncoder(sizes)


def list_own_tensors(state: Mapping[str, Tensor], *, family: str) -> dict[str, Tensor]:
    """Name the tensors of an encoder as transformers does.

    state (Mapping[str, Tensor]): The state_dict of a `BertEncoder`.
    family (str): The family to write.
    RETURNS (dict[str, Tensor]): Every tensor, under the hub's name.
    """
    names = to_hub(family, state)
    return {names[name]: tensor for name, tensor in state.items()}


def check_shapes(
    weights: Weights,
    expected: Mapping[str, tuple[int, ...]],
    found: Mapping[str, tuple[int, ...]],
    *,
    names: Mapping[str, str],
    family: str,
) -> None:
    """Compare tensors with what an encoder needs.

    weights (Weights): The file, for messages.
    expected (Mapping[str, tuple[int, ...]]): Shapes that the encoder has.
    found (Mapping[str, tuple[int, ...]]): Shapes in the file, under the encoder's names.
    names (Mapping[str, str]): The encoder's name -> the file's, for messages.
    family (str): For messages.
    RAISES (CheckpointError): They differ. The message names the tensors.
    """
    missing = sorted(set(expected) - set(found))
    if missing:
        known = to_hub(family, missing) if family != "auto" else {}
        shown = [known.get(name, name) for name in missing]
        raise _list_names(Errors.SB332, weights, shown, family)
    extra = sorted(set(found) - set(expected))
    if extra:
        raise _list_names(Errors.SB333, weights, [names.get(n, n) for n in extra], family)
    wrong = [
        f"{names.get(name, name)} (expected {shape}, got {found[name]})"
        for name, shape in expected.items()
        if found[name] != shape
    ]
    if wrong:
        raise _list_names(Errors.SB334, weights, wrong, family)


def _list_names(message: str, weights: Weights, names: list[str], family: str) -> CheckpointError:
    shown = ", ".join(name[:120] for name in names[:_N_SHOWN])
    if len(names) > _N_SHOWN:
        shown += f" and {len(names) - _N_SHOWN} more"
    return CheckpointError(message.format(source=weights.source, names=shown, family=family))
