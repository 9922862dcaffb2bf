"""Configs of architectures that transformers builds: kept, less what could do harm.

Nothing that names code, files or other repositories is carried over, and every number is
bounded, so that building the model cannot ask for more than a machine has.
"""

import re
from typing import Any

from ..errors import CheckpointError, Errors

# Keys that choose code or files, or that belong to a task's head. Keys that begin with "_"
# (as `_attn_implementation_internal` does) or end in "_implementation" go too.
DROPPED = frozenset(
    {
        "adapters",
        "architectures",
        "auto_map",
        "backbone",
        "backbone_config",
        "backbone_kwargs",
        "custom_pipelines",
        "dtype",
        "gguf_file",
        "id2label",
        "kernel_config",
        "kernels",
        "label2id",
        "name_or_path",
        "num_labels",
        "peft_config",
        "problem_type",
        "quantization_config",
        "task_specific_params",
        "torch_dtype",
        "torchscript",
        "transformers_version",
        "trust_remote_code",
        "use_kernels",
        "use_pretrained_backbone",
        "use_timm_backbone",
    }
)
# Sizes that every encoder of text has under these names, with their bounds.
SIZES = {
    "vocab_size": (1, 10_000_000),
    "hidden_size": (1, 65_536),
    "num_hidden_layers": (1, 1_000),
    "num_attention_heads": (1, 4_096),
    "intermediate_size": (1, 1_000_000),
    "max_position_embeddings": (-1, 10_000_000),
    "type_vocab_size": (0, 65_536),
}
MAX_NUMBER = 10_000_000
MAX_COUNT = 4_096
MAX_DEPTH = 8
MAX_ITEMS = 10_000
MAX_CHARACTERS = 1_000
_COUNTS = re.compile(r"layers?$|heads?$|groups?$|experts?$|blocks?$|depth$|^n_|^num_")


def clean_config(data: dict[str, Any], *, source: str) -> dict[str, Any]:
    """Drop what could do harm and check what is left.

    data (dict[str, Any]): A parsed config.json.
    source (str): The file, for messages.
    RETURNS (dict[str, Any]): A copy without the keys of `DROPPED`, at any depth.
    RAISES (CheckpointError): A number is out of bounds, a text or list too long.
    """
    return {key: _clean(value, source, key, 0) for key, value in data.items() if _is_kept(key)}


def _is_kept(key: str) -> bool:
    return key not in DROPPED and not key.startswith("_") and not key.endswith("_implementation")


def _clean(value: Any, source: str, key: str, depth: int) -> Any:
    bounds = SIZES.get(key)
    if bounds and value is not None:
        low, high = bounds
        if type(value) is not int or not low <= value <= high:
            raise _refuse(source, key, f"a whole number from {low} to {high}", value)
    if depth > MAX_DEPTH:
        raise _refuse(source, key, f"nested at most {MAX_DEPTH} deep", "deeper")
    if isinstance(value, dict):
        kept = {str(k): v for k, v in value.items() if _is_kept(str(k))}
        return {k: _clean(v, source, k, depth + 1) for k, v in kept.items()}
    if isinstance(value, list):
        if len(value) > MAX_ITEMS:
            raise _refuse(source, key, f"a list of at most {MAX_ITEMS} items", len(value))
        return [_clean(item, source, key, depth + 1) for item in value]
    if isinstance(value, str) and len(value) > MAX_CHARACTERS:
        raise _refuse(source, key, f"a text of at most {MAX_CHARACTERS} characters", len(value))
    if type(value) in (int, float):
        limit = MAX_COUNT if type(value) is int and _COUNTS.search(key) else MAX_NUMBER
        if abs(value) > limit and bounds is None:
            raise _refuse(source, key, f"a number from {-limit} to {limit}", value)
    return value


def _refuse(source: str, key: str, expected: str, value: object) -> CheckpointError:
    got = f"{str(value)[:80]!r}"
    return CheckpointError(Errors.SB320.format(source=source, key=key, expected=expected, got=got))
