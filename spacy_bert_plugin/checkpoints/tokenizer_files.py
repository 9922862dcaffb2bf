"""The tokenizer of a checkpoint: tokenizer.json, or what can be turned into one."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, CheckpointNotFoundError, Errors
from ..pieces import PieceTokenizer
from .files import CheckpointFiles, FolderFiles, open_folder
from .json_text import parse_json
from .tokenizer_classes import check_class
from .vocabularies import make_byte_bpe, make_wordpiece, read_settings

TOKENIZER = "tokenizer.json"
SETTINGS = "tokenizer_config.json"
SPECIAL_MAP = "special_tokens_map.json"
SENTENCEPIECE = ("sentencepiece.bpe.model", "spm.model", "spiece.model", "tokenizer.model")
MAX_SETTINGS = 16 * 1024 * 1024
_N_SAMPLES = 64


def read_tokenizer(path: Path) -> PieceTokenizer:
    """Read a tokenizer by itself.

    path (Path): A folder as for a checkpoint, or one of its files: a tokenizer.json, under any
        name that ends in ".json", or a vocab.txt.
    RETURNS (PieceTokenizer): The tokenizer.
    RAISES (CheckpointNotFoundError): There is nothing at the path.
    RAISES (CheckpointError): It is not a tokenizer, or not in a format that is read.
    """
    if path.is_dir():
        return load_tokenizer(open_folder(path))
    if not path.is_file():
        hint = "A tokenizer is a folder, a tokenizer.json or a vocab.txt. "
        raise CheckpointNotFoundError(
            Errors.SB301.format(path=path.absolute(), name=path, hint=hint)
        )
    files = FolderFiles(path.parent, {path.name: path.stat().st_size}, None)
    text, source = files.read_text(path.name), files.where(path.name)
    if path.suffix == ".txt":
        text = make_wordpiece(text, {}, source=source)
    return _build(text, source)


def load_tokenizer(files: CheckpointFiles) -> PieceTokenizer:
    """Read the tokenizer of a checkpoint.

    files (CheckpointFiles): The checkpoint. tokenizer.json comes first, then vocab.txt, then
        vocab.json with merges.txt.
    RETURNS (PieceTokenizer): The tokenizer; its `json` is the file's text, or the one made.
    RAISES (CheckpointError): There is none in a format that is read. The message says how to
        convert it.
    """
    if TOKENIZER in files:
        return _build(files.read_text(TOKENIZER), files.where(TOKENIZER))
    check_class(files)
    if "vocab.txt" in files:
        source = files.where("vocab.txt")
        text = make_wordpiece(files.read_text("vocab.txt"), _read_settings(files), source=source)
        return _build(text, source)
    if "vocab.json" in files and "merges.txt" in files:
        vocab, merges = files.read_text("vocab.json"), files.read_text("merges.txt")
        text = make_byte_bpe(vocab, merges, _read_settings(files), source=files.source)
        return _build(text, files.where("vocab.json"))
    slow = [name for name in SENTENCEPIECE if name in files]
    if slow:
        raise CheckpointError(Errors.SB341.format(source=files.source, got=slow[0]))
    got = ", ".join(sorted(files.sizes)[:10]) or "no files"
    raise CheckpointError(Errors.SB340.format(source=files.source, got=got))


def check_tokenizer(
    tokenizer: PieceTokenizer, raw: dict[str, Any], files: CheckpointFiles, *, vocab_size: int
) -> None:
    """Check that a tokenizer belongs to an encoder, as far as their files can tell.

    tokenizer (PieceTokenizer): The tokenizer.
    raw (dict[str, Any]): Keys of the encoder's config.json.
    files (CheckpointFiles): The checkpoint.
    vocab_size (int): Rows of the encoder's table of pieces. More rows than ids are fine.
    RAISES (CheckpointError): Its ids go beyond the table, its padding piece has another id than
        config.json says, or vocab.txt beside it names other pieces.
    """
    source = files.where(TOKENIZER) if TOKENIZER in files else files.source
    if tokenizer.vocab_size > vocab_size:
        got = tokenizer.vocab_size - 1
        raise CheckpointError(Errors.SB343.format(source=source, got=got, high=vocab_size - 1))
    padding = {name: tokenizer.find_id(name) for name in ("[PAD]", "<pad>")}
    found = {index for index in padding.values() if index is not None}
    expected = raw.get("pad_token_id")
    if found and type(expected) is int and expected not in found:
        error = f"its padding piece has the id {min(found)}, config.json says {expected}"
        raise CheckpointError(Errors.SB344.format(source=source, error=error))
    if TOKENIZER in files and "vocab.txt" in files:
        lines = files.read_text("vocab.txt").replace("\r\n", "\n").split("\n")
        if not _is_alike(tokenizer, lines):
            error = "most of its pieces have another id than in vocab.txt"
            raise CheckpointError(Errors.SB344.format(source=source, error=error))


def make_settings(tokenizer: PieceTokenizer, *, max_pieces: int, use_segments: bool) -> str:
    """Write the tokenizer_config.json that lets transformers open a saved tokenizer.

    tokenizer (PieceTokenizer): The tokenizer.
    max_pieces (int): Longest window of the encoder.
    use_segments (bool): Whether the encoder takes segment ids.
    RETURNS (str): The file's text.
    """
    settings: dict[str, Any] = {
        # The class that reads tokenizer.json as it is, whatever the architecture.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": max_pieces,
        "clean_up_tokenization_spaces": False,
        "model_input_names": [
            "input_ids",
            *(["token_type_ids"] if use_segments else []),
            "attention_mask",
        ],
    }
    if tokenizer.prefix_ids and tokenizer.suffix_ids:
        settings["cls_token"] = tokenizer.name_piece(tokenizer.prefix_ids[0])
        settings["sep_token"] = tokenizer.name_piece(tokenizer.suffix_ids[-1])
    roles = {"pad_token": ("[PAD]", "<pad>"), "unk_token": ("[UNK]", "<unk>")}
    roles["mask_token"] = ("[MASK]", "<mask>")
    for role, names in roles.items():
        name = _find_first(tokenizer, names)
        if name is not None:
            settings[role] = name
    return json.dumps(settings, indent=2, sort_keys=True) + "\n"


def _build(text: str, source: str) -> PieceTokenizer:
    try:
        return PieceTokenizer.from_json(text)
    except CheckpointError as error:
        raise CheckpointError(Errors.SB345.format(source=source, error=error)) from None


def _read_settings(files: CheckpointFiles) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name in (SPECIAL_MAP, SETTINGS):
        if name in files:
            source = files.where(name)
            data = parse_json(files.read_text(name, limit=MAX_SETTINGS), source=source)
            settings.update(read_settings(data, source=source))
    return settings


def _is_alike(tokenizer: PieceTokenizer, lines: list[str]) -> bool:
    """Whether most of some lines, spread over a vocab.txt, are pieces with that id."""
    step = max(1, len(lines) // _N_SAMPLES)
    samples = [(index, lines[index]) for index in range(0, len(lines), step) if lines[index]]
    n_equal = sum(tokenizer.find_id(piece) == index for index, piece in samples)
    return 2 * n_equal >= len(samples)


def _find_first(tokenizer: PieceTokenizer, names: Iterable[str]) -> str | None:
    return next((name for name in names if tokenizer.find_id(name) is not None), None)
