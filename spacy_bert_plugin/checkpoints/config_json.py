"""config.json: read against an allow-list of keys, written from the sizes of an encoder.

A string in it never selects code: `model_type` is looked up in `FAMILIES`, a dict of ours, and
anything else is left to transformers, which has to know it by itself.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..encoder.config import SIZES, EncoderConfig
from ..errors import CheckpointError, Errors, SettingError
from .auto_config import clean_config
from .families import ACTIVATIONS, FAMILIES, Family
from .json_text import parse_json

AUTO = "auto"
TOKEN_IDS = ("pad_token_id", "bos_token_id", "eos_token_id")
DECODER_KEYS = ("is_decoder", "add_cross_attention")
_MODEL_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class HubConfig:
    """What a config.json says.

    family (str): One of `FAMILIES`, or "auto" for what transformers has to build.
    raw (dict[str, Any]): The keys that are carried over when the checkpoint is saved.
    encoder (EncoderConfig | None): Sizes of our encoder; None for "auto".
    """

    family: str
    raw: dict[str, Any]
    encoder: EncoderConfig | None

    @property
    def text(self) -> str:
        """The config.json to write, always the same for the same config."""
        return json.dumps(self.raw, indent=2, sort_keys=True) + "\n"


def parse_config(text: str, *, source: str) -> HubConfig:
    """Read a config.json that nobody vouches for, before anything is allocated.

    text (str): What the file holds.
    source (str): The file, for messages.
    RETURNS (HubConfig): Sizes of the encoder, and the keys worth keeping.
    RAISES (CheckpointError): It is not JSON, has no `model_type`, describes a decoder, or a value
        has the wrong type or is out of bounds. The message names the key.
    """
    data = parse_json(text, source=source)
    model_type = data.get("model_type")
    if not isinstance(model_type, str) or not _MODEL_TYPE.fullmatch(model_type):
        expected = f"the name of an architecture such as {', '.join(FAMILIES)}"
        raise _refuse(source, "model_type", expected, model_type)
    for key in DECODER_KEYS:
        if data.get(key):
            raise CheckpointError(Errors.SB323.format(source=source, key=key))
    family = FAMILIES.get(model_type)
    if family is None or not _is_ours(family, data):
        return HubConfig(AUTO, clean_config(data, source=source), None)
    return _parse_ours(model_type, family, data, source)


def make_config(sizes: EncoderConfig, *, family: str, pad_id: int) -> HubConfig:
    """Write sizes as the config of a family.

    sizes (EncoderConfig): Sizes of an encoder.
    family (str): One of `FAMILIES`.
    pad_id (int): Id of the padding piece.
    RETURNS (HubConfig): Reads back as the same sizes.
    RAISES (SettingError): The family has no way to say what the sizes say.
    """
    if family not in FAMILIES:
        expected = f"one of {', '.join(FAMILIES)}"
        raise SettingError(Errors.SB002.format(name="family", expected=expected, got=family))
    table = FAMILIES[family]
    for field, limit in _list_limits(sizes, table, pad_id).items():
        got = getattr(sizes, field)
        if got != limit:
            raise SettingError(
                Errors.SB324.format(family=family, field=field, got=got, expected=limit)
            )
    raw = {key: getattr(sizes, field) for field, key in table.keys.items()}
    hub_names = {ours: theirs for theirs, ours in reversed(list(ACTIVATIONS.items()))}
    raw[table.keys["activation"]] = hub_names[sizes.activation]
    raw.update(model_type=family, architectures=[table.architecture], pad_token_id=pad_id)
    return HubConfig(family, raw, sizes)


def complete_sizes(
    sizes: EncoderConfig | Mapping[str, Any], *, family: str, vocab_size: int
) -> EncoderConfig:
    """Fill in the sizes that a user has not given.

    sizes (EncoderConfig | Mapping[str, Any]): All sizes, or fields of `EncoderConfig` by name.
    family (str): One of `FAMILIES`, whose defaults are taken.
    vocab_size (int): Ids of the tokenizer.
    RETURNS (EncoderConfig): All sizes.
    RAISES (SettingError): A size is unknown or cannot work.
    """
    if isinstance(sizes, EncoderConfig):
        return sizes
    known = {field.name for field in fields(EncoderConfig)}
    for name in sizes:
        if name not in known:
            expected = f"one of {', '.join(sorted(known))}"
            raise SettingError(Errors.SB002.format(name="sizes", expected=expected, got=name))
    table = FAMILIES.get(family, FAMILIES["bert"])
    values: dict[str, Any] = {f: table.defaults[key] for f, key in table.keys.items()}
    values["n_positions"] = 514 if table.use_position_offset else 512
    values["position_offset"] = 2 if table.use_position_offset else 0
    values.update({"vocab_size": vocab_size, "use_pooler": True, **table.fixed})
    if "hidden_width" not in sizes and type(sizes.get("width")) is int:
        values["hidden_width"] = 4 * sizes["width"]
    values.update(sizes)
    values.setdefault("embedding_width", values["width"])
    return EncoderConfig(**values)


def _parse_ours(model_type: str, family: Family, data: dict[str, Any], source: str) -> HubConfig:
    raw = {key: _get(data, key, family.defaults[key]) for key in family.keys.values()}
    kinds = {field.name: field.type for field in fields(EncoderConfig)}
    for field, key in family.keys.items():
        if kinds[field] is int:
            _check_whole(raw[key], SIZES[field], source, key)
        elif kinds[field] is float and type(raw[key]) not in (int, float):
            raise _refuse(source, key, "a number", raw[key])
    pad_id = _get(data, "pad_token_id", family.defaults["pad_token_id"])
    _check_whole(pad_id, (0, raw["vocab_size"] - 1), source, "pad_token_id")
    values = {field: raw[key] for field, key in family.keys.items()}
    values = {f: float(v) if kinds[f] is float else v for f, v in values.items()}
    values["activation"] = ACTIVATIONS[values["activation"]]
    values["position_offset"] = pad_id + 1 if family.use_position_offset else 0
    values = {"embedding_width": values["width"], "use_pooler": True, **values}
    values.update(family.fixed)
    values.setdefault("n_segments", 0)
    try:
        encoder = EncoderConfig(**values)
    except SettingError as error:
        raise CheckpointError(Errors.SB322.format(source=source, error=error)) from None
    ids = {key: data[key] for key in TOKEN_IDS if type(data.get(key)) is int}
    raw.update({key: i for key, i in ids.items() if 0 <= i < encoder.vocab_size})
    raw.update(model_type=model_type, architectures=[family.architecture], pad_token_id=pad_id)
    return HubConfig(model_type, raw, encoder)


def _is_ours(family: Family, data: dict[str, Any]) -> bool:
    """Whether our encoder computes the variant of the family that the file describes."""
    key = family.keys["activation"]
    activation = _get(data, key, family.defaults[key])
    is_absolute = _get(data, "position_embedding_type", "absolute") == "absolute"
    return is_absolute and isinstance(activation, str) and activation in ACTIVATIONS


def _list_limits(sizes: EncoderConfig, table: Family, pad_id: int) -> dict[str, object]:
    """Fields that are not free in a family, with the value that they must have."""
    limits = dict(table.fixed)
    if "embedding_width" not in table.keys:
        limits["embedding_width"] = sizes.width
    if table.use_position_offset:
        limits["position_offset"] = pad_id + 1
    if "n_segments" in table.keys and not sizes.n_segments:
        limits["n_segments"] = "at least 1"
    return limits


def _get(data: dict[str, Any], key: str, default: object) -> Any:
    value = data.get(key)  # null stands for "not set" in these files
    return default if value is None else value


def _check_whole(value: object, bounds: tuple[int, int], source: str, key: str) -> None:
    low, high = bounds
    if type(value) is not int or not low <= value <= high:
        raise _refuse(source, key, f"a whole number from {low} to {high}", value)


def _refuse(source: str, key: str, expected: str, value: object) -> CheckpointError:
    got = "missing" if value is None else f"{str(value)[:80]!r} ({type(value).__name__})"
    return CheckpointError(Errors.SB320.format(source=source, key=key, expected=expected, got=got))
