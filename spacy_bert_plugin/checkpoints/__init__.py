"""Files <-> encoder parameters and tokenizer: hub, safetensors, manifest, atomic saves."""

from .checkpoint import (
    LoadedCheckpoint,
    build_checkpoint,
    checkpoint_from_bytes,
    checkpoint_to_bytes,
    load_checkpoint,
    save_checkpoint,
)
from .config_json import HubConfig, parse_config
from .embedded import EMBEDDED, FetchReport, fetch_embedded, locate_embedded
from .resolve import resolve_checkpoint
from .tokenizer_files import read_tokenizer

__all__ = [
    "EMBEDDED",
    "FetchReport",
    "HubConfig",
    "LoadedCheckpoint",
    "build_checkpoint",
    "checkpoint_from_bytes",
    "checkpoint_to_bytes",
    "fetch_embedded",
    "load_checkpoint",
    "locate_embedded",
    "parse_config",
    "read_tokenizer",
    "resolve_checkpoint",
    "save_checkpoint",
]
