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
from .mlm_heads import (
    MASKED_WORDS,
    NEXT_SENTENCES,
    HeadTensors,
    StoredHead,
    describe_masked_words,
    read_masked_words,
    read_next_sentence,
)
from .resolve import find_width, resolve_checkpoint
from .tokenizer_files import read_tokenizer

__all__ = [
    "EMBEDDED",
    "MASKED_WORDS",
    "NEXT_SENTENCES",
    "FetchReport",
    "HeadTensors",
    "HubConfig",
    "LoadedCheckpoint",
    "StoredHead",
    "build_checkpoint",
    "checkpoint_from_bytes",
    "checkpoint_to_bytes",
    "describe_masked_words",
    "fetch_embedded",
    "find_width",
    "load_checkpoint",
    "locate_embedded",
    "parse_config",
    "read_masked_words",
    "read_next_sentence",
    "read_tokenizer",
    "resolve_checkpoint",
    "save_checkpoint",
]
