"""Older vocabulary files, turned into a tokenizer.json.

vocab.txt is WordPiece as in BERT (https://arxiv.org/abs/1810.04805); vocab.json with merges.txt is
byte-level BPE as in RoBERTa (https://arxiv.org/abs/1907.11692). The result equals that of the
tokenizers which transformers builds from the same files.
"""

from collections.abc import Mapping
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import RobertaProcessing, TemplateProcessing

from ..errors import CheckpointError, Errors
from .json_text import parse_json
from .tokenizer_classes import check_byte_level

# Settings of tokenizer_config.json and special_tokens_map.json that are read; no other key is.
SPECIAL = (
    "unk_token",
    "cls_token",
    "sep_token",
    "pad_token",
    "mask_token",
    "bos_token",
    "eos_token",
)
SWITCHES = ("do_lower_case", "strip_accents", "tokenize_chinese_chars", "add_prefix_space")
MAX_ID = 10_000_000
MAX_PIECE = 1_000
_BERT_NAMES = {
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "mask_token": "[MASK]",
}
_ROBERTA_NAMES = {
    "unk_token": "<unk>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "mask_token": "<mask>",
    "bos_token": "<s>",
    "eos_token": "</s>",
}


def read_settings(data: Mapping[str, Any], *, source: str) -> dict[str, Any]:
    """Pick the settings of a tokenizer that are known.

    data (Mapping[str, Any]): A parsed tokenizer_config.json or special_tokens_map.json.
    source (str): The file, for messages.
    RETURNS (dict[str, Any]): Special pieces as str, switches as bool.
    RAISES (CheckpointError): One of them has the wrong type.
    """
    settings: dict[str, Any] = {}
    for key in SPECIAL:
        value = data.get(key)
        content = value.get("content") if isinstance(value, dict) else value
        if content is not None and (not isinstance(content, str) or len(content) > MAX_PIECE):
            raise _refuse_setting(source, key, "the text of a piece", content)
        if content is not None:
            settings[key] = content
    for key in SWITCHES:
        value = data.get(key)
        if value is not None and not isinstance(value, bool):
            raise _refuse_setting(source, key, "true or false", value)
        if value is not None:
            settings[key] = value
    return settings


def make_wordpiece(text: str, settings: Mapping[str, Any], *, source: str) -> str:
    """Build a BERT tokenizer from vocab.txt.

    text (str): The file: one piece a line, its id the number of the line from 0.
    settings (Mapping[str, Any]): From `read_settings`. Without `do_lower_case`, text is lowered
        if no piece but the special ones has a capital.
    source (str): The file, for messages.
    RETURNS (str): The text of a tokenizer.json.
    RAISES (CheckpointError): A special piece that the encoder needs is not in the file.
    """
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    vocab = {piece: index for index, piece in enumerate(lines)}
    names = {**_BERT_NAMES, **{k: v for k, v in settings.items() if k in _BERT_NAMES}}
    _check_special(vocab, names, source)
    ordinary = (piece for piece in vocab if piece not in names.values() and piece[:1] != "[")
    use_lower = settings.get("do_lower_case")
    if use_lower is None:
        use_lower = not any(piece != piece.lower() for piece in ordinary)
    tokenizer = Tokenizer(
        models.WordPiece(vocab, unk_token=names["unk_token"], max_input_chars_per_word=100)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
        strip_accents=settings.get("strip_accents"),
        lowercase=use_lower,
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    first, last = names["cls_token"], names["sep_token"]
    tokenizer.post_processor = TemplateProcessing(
        single=f"{first}:0 $A:0 {last}:0",
        pair=f"{first}:0 $A:0 {last}:0 $B:1 {last}:1",
        special_tokens=[(first, vocab[first]), (last, vocab[last])],
    )
    _add_special(tokenizer, vocab, names)
    return str(tokenizer.to_str())


def make_byte_bpe(
    vocab_text: str, merges_text: str, settings: Mapping[str, Any], *, source: str
) -> str:
    """Build a RoBERTa tokenizer from vocab.json and merges.txt.

    vocab_text (str): vocab.json: piece -> id.
    merges_text (str): merges.txt: two pieces a line, the first line may be a version.
    settings (Mapping[str, Any]): From `read_settings`.
    source (str): The folder, for messages.
    RETURNS (str): The text of a tokenizer.json.
    RAISES (CheckpointError): An id is wrong, a merge is none, or a special piece is missing.
    """
    vocab = _check_ids(parse_json(vocab_text, source=f"{source}: vocab.json"), source)
    check_byte_level(vocab, source=source)
    merges = _parse_merges(merges_text, vocab, source)
    names = {**_ROBERTA_NAMES, **{k: v for k, v in settings.items() if k in _ROBERTA_NAMES}}
    _check_special(vocab, names, source)
    use_space = settings.get("add_prefix_space", False)
    tokenizer = Tokenizer(models.BPE(vocab, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=use_space)
    tokenizer.decoder = decoders.ByteLevel()
    first, last = names["cls_token"], names["sep_token"]
    tokenizer.post_processor = RobertaProcessing(
        (last, vocab[last]), (first, vocab[first]), trim_offsets=True, add_prefix_space=use_space
    )
    _add_special(tokenizer, vocab, names)
    return str(tokenizer.to_str())


def _check_special(vocab: Mapping[str, int], names: Mapping[str, str], source: str) -> None:
    for key in ("unk_token", "cls_token", "sep_token"):
        if names[key] not in vocab:
            error = f"it has no piece {names[key]!r} ({key})"
            raise CheckpointError(Errors.SB342.format(source=source, error=error))


def _add_special(tokenizer: Tokenizer, vocab: Mapping[str, int], names: Mapping[str, str]) -> None:
    # Only pieces that have a row in the encoder's table: new ones would get ids beyond it.
    found = dict.fromkeys(name for name in names.values() if name in vocab)
    mask = names["mask_token"]
    is_bpe = "bos_token" in names
    tokenizer.add_special_tokens(
        [AddedToken(n, lstrip=is_bpe and n == mask, normalized=False) for n in found]
    )


def _check_ids(data: dict[str, Any], source: str) -> dict[str, int]:
    for piece, index in data.items():
        if type(index) is not int or not 0 <= index < MAX_ID:
            error = f"piece {piece[:40]!r} has the id {str(index)[:40]!r}"
            raise CheckpointError(Errors.SB342.format(source=source, error=error))
    if len(set(data.values())) < len(data):
        error = "two pieces of vocab.json have the same id"
        raise CheckpointError(Errors.SB342.format(source=source, error=error))
    return data


def _parse_merges(text: str, vocab: Mapping[str, int], source: str) -> list[tuple[str, str]]:
    merges = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        left, _, right = line.partition(" ")
        if not right or " " in right or left + right not in vocab:
            error = f"line {number} of merges.txt is no merge of two pieces: {line[:40]!r}"
            raise CheckpointError(Errors.SB342.format(source=source, error=error))
        merges.append((left, right))
    return merges


def _refuse_setting(source: str, key: str, expected: str, value: object) -> CheckpointError:
    got = f"{str(value)[:80]!r}"
    return CheckpointError(Errors.SB320.format(source=source, key=key, expected=expected, got=got))
