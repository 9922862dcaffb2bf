"""A checkpoint: an encoder with its tokenizer and config. Loading, saving, building."""

import copy
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import srsly.msgpack
import torch
from torch import Tensor

from ..encoder import BertEncoder, EncoderConfig
from ..errors import CheckpointError, Errors
from ..pieces import PieceTokenizer
from ..typedefs import Encoder
from .atomic import find_folder, write_folder
from .auto_model import list_auto_tensors, load_auto_model, name_architecture
from .config_json import AUTO, HubConfig, complete_sizes, make_config, parse_config
from .files import CheckpointFiles, open_folder, open_memory
from .half import shrink_tensor
from .manifest import NAME as MANIFEST
from .manifest import make_manifest
from .mlm_heads import NO_HEADS, HeadTensors, name_heads
from .own_model import list_own_tensors, load_own_model
from .safetensors_file import is_finite, write_tensors
from .shards import WEIGHTS
from .tokenizer_files import SETTINGS, TOKENIZER, check_tokenizer, load_tokenizer, make_settings

CONFIG = "config.json"
MAX_CONFIG = 4 * 1024 * 1024
_RETRY_SECONDS = 10.0


@dataclass
class LoadedCheckpoint:
    """An encoder that is ready to run.

    encoder (Encoder): In eval mode.
    tokenizer (PieceTokenizer): Its tokenizer.
    config (HubConfig): What is written to config.json.
    storage (torch.dtype): What matrices are saved in, where that loses nothing that matters (see
        `shrink_tensor`). A checkpoint that is loaded or copied has float32 again: what is trained
        further must not be rounded in silence.
    """

    encoder: Encoder
    tokenizer: PieceTokenizer
    config: HubConfig
    storage: torch.dtype = torch.float32

    def copy(self) -> "LoadedCheckpoint":
        """Copy the encoder with its weights. The tokenizer never changes, so it is shared."""
        return LoadedCheckpoint(copy.deepcopy(self.encoder), self.tokenizer, self.config)


def load_checkpoint(path: Path, *, is_own: bool = False) -> LoadedCheckpoint:
    """Load a checkpoint from a folder. No network, no pickle, no code from a file.

    path (Path): A Hugging Face folder.
    is_own (bool): Whether `save_checkpoint` wrote it: then every byte has to be what was saved.
    RETURNS (LoadedCheckpoint): float32, on the CPU.
    RAISES (CheckpointNotFoundError): There is no such folder.
    RAISES (CheckpointError): A file is missing, damaged, or belongs to another model. The message
        names the file and the tensor.
    """
    if not is_own:
        return _load(open_folder(path))
    deadline = time.monotonic() + _RETRY_SECONDS
    while True:
        before = _read_stamp(path)
        try:
            return _load(open_folder(find_folder(path), is_own=True))
        except CheckpointError:
            time.sleep(0.02)
            if _read_stamp(path) == before or time.monotonic() > deadline:
                raise
            # Another process has saved a model into the folder meanwhile: read that one.


def save_checkpoint(
    checkpoint: LoadedCheckpoint, path: Path, *, heads: HeadTensors = NO_HEADS
) -> None:
    """Save a checkpoint as a folder that transformers opens, with a manifest of its files.

    checkpoint (LoadedCheckpoint): What to save. Weights are written as its `storage` says.
    path (Path): The folder. One that exists is replaced at once or not at all.
    heads (HeadTensors): State of heads of pretraining to save beside the encoder, by name:
        "masked_words", "next_sentence". `AutoModelForMaskedLM` and `BertForPreTraining` open it.
    RAISES (CheckpointError): The weights are not finite, the folder holds something else, or it
        cannot be written. What was there is still there.
    RAISES (SettingError): The family of the encoder has no such head.
    """
    write_folder(_list_files(checkpoint, heads), path)


def checkpoint_to_bytes(checkpoint: LoadedCheckpoint) -> bytes:
    """Write the files that `save_checkpoint` writes, manifest included, as msgpack.

    RAISES (CheckpointError): The weights are not finite.
    """
    data: bytes = srsly.msgpack.packb(_list_files(checkpoint), use_bin_type=True)
    return data


def checkpoint_from_bytes(data: bytes) -> LoadedCheckpoint:
    """Load what `checkpoint_to_bytes` wrote.

    RAISES (CheckpointError): A byte has changed, or these are other bytes.
    """
    try:
        # Not srsly.msgpack_loads, which leaves garbage collection off after an error.
        files: Any = srsly.msgpack.unpackb(data, raw=False)
    except Exception as error:
        raise CheckpointError(Errors.SB352.format(error=error)) from error
    is_files = isinstance(files, dict) and all(
        isinstance(name, str) and isinstance(content, bytes) for name, content in files.items()
    )
    if not is_files:
        raise CheckpointError(Errors.SB352.format(error="they do not hold files by name"))
    return _load(open_memory(files, source="bytes of a checkpoint"))


def build_checkpoint(
    sizes: EncoderConfig | Mapping[str, Any], tokenizer: PieceTokenizer, *, family: str = "bert"
) -> LoadedCheckpoint:
    """Make an encoder with random weights.

    sizes (EncoderConfig | Mapping[str, Any]): Its sizes; in a mapping, fields that are missing are
        those of the family's base model, and the vocabulary that of the tokenizer.
    tokenizer (PieceTokenizer): Its tokenizer.
    family (str): Architecture to save it as, for instance "bert" or "roberta".
    RETURNS (LoadedCheckpoint): On the CPU.
    RAISES (SettingError): The sizes cannot work, or the family cannot express them.
    RAISES (CheckpointError): The tokenizer has more ids than the encoder.
    """
    complete = complete_sizes(sizes, family=family, vocab_size=tokenizer.vocab_size)
    config = make_config(complete, family=family, pad_id=tokenizer.pad_id)
    files = CheckpointFiles("the new encoder", {}, None)
    check_tokenizer(tokenizer, config.raw, files, vocab_size=complete.vocab_size)
    return LoadedCheckpoint(BertEncoder(complete), tokenizer, config)


def _load(files: CheckpointFiles) -> LoadedCheckpoint:
    text = files.read_text(CONFIG, limit=MAX_CONFIG)
    config = parse_config(text, source=files.where(CONFIG))
    tokenizer = load_tokenizer(files)
    encoder: Encoder
    if config.encoder is not None:
        # Before the weights: reading them takes longest.
        check_tokenizer(tokenizer, config.raw, files, vocab_size=config.encoder.vocab_size)
        encoder = own = load_own_model(files, config.encoder, family=config.family)
        config = HubConfig(config.family, config.raw, own.config)
    else:
        encoder = adapter = load_auto_model(files, config.raw)
        config = HubConfig(config.family, name_architecture(config.raw, adapter), None)
        check_tokenizer(tokenizer, config.raw, files, vocab_size=encoder.config.vocab_size)
    files.check_rest()
    return LoadedCheckpoint(encoder, tokenizer, config)


def _list_files(checkpoint: LoadedCheckpoint, heads: HeadTensors = NO_HEADS) -> dict[str, bytes]:
    """What a saved folder holds, the manifest included."""
    config, tokenizer, sizes = checkpoint.config, checkpoint.tokenizer, checkpoint.encoder.config
    state, prefix = checkpoint.encoder.state_dict(), None
    if config.family == AUTO:
        named, prefix = list_auto_tensors(state), find_auto_prefix(checkpoint.encoder)
    else:
        named = list_own_tensors(state, family=config.family)
    named, config = name_heads(heads, named, config, prefix=prefix)
    settings = make_settings(
        tokenizer, max_pieces=sizes.max_pieces, use_segments=sizes.n_segments > 1
    )
    tensors = {name: _export(name, tensor) for name, tensor in named.items()}
    files = {
        CONFIG: config.text.encode(),
        WEIGHTS: write_tensors(
            {name: shrink_tensor(tensor, checkpoint.storage) for name, tensor in tensors.items()}
        ),
        TOKENIZER: tokenizer.json.encode(),
        SETTINGS: settings.encode(),
    }
    return {**files, MANIFEST: make_manifest(files)}


def find_auto_prefix(encoder: Encoder) -> str:
    """What transformers puts before the names of an encoder that has a head beside it."""
    model: Any = getattr(encoder, "model", None)
    return f"{model.base_model_prefix}."


def _export(name: str, tensor: Tensor) -> Tensor:
    is_number = tensor.dtype.is_floating_point
    exported = tensor.detach().to("cpu", torch.float32 if is_number else tensor.dtype).contiguous()
    if is_number and not is_finite(exported):
        raise CheckpointError(Errors.SB353.format(name=name))
    return exported


def _read_stamp(path: Path) -> tuple[int, int]:
    """What changes when another process saves into a folder, even if it saves the same model."""
    try:
        status = os.stat(find_folder(path))
    except OSError:
        return 0, 0
    return status.st_ino, status.st_mtime_ns
