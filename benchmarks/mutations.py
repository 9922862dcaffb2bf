"""Files made wrong, at random, as a broken disk, a bad download or an attacker would make them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

# What a value of a JSON file is replaced by.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 7, 10**6, 2**31, 2**63, -(2**63), 10**30, 0.5, -0.5, 1e-300),
    *(1e308, "", "0", "a", "é\u0000\u200b", "x" * 5000, "../../etc/passwd", "/dev/zero", "\ud83d"),
    *("__import__('os').system('true')", "http://127.0.0.1:9/x", "os.system", "torch.load", "gelu"),
    *([], {}, [[]], [1] * 100, {"a": {"a": {"a": 1}}}, [None], ["[UNK]", 0], {"type": "Sequence"}),
)
# Keys by which other libraries load code or reach for the network.
KEYS: dict[str, Any] = {
    "auto_map": {"AutoModel": "evil.Model", "AutoConfig": "evil.Config"},
    "trust_remote_code": True,
    "_attn_implementation_internal": "kernels-community/flash-attn",
    "attn_implementation": "kernels-community/flash-attn3",
    "quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True},
    "_name_or_path": "evil/model",
    "torch_dtype": "os.system",
    "architectures": ["EvilModel"],
    "custom_pipelines": {"x": {"impl": "evil.py"}},
    "tokenizer_class": "evil.Tokenizer",
    "use_kernels": True,
    "__class__": "os",
    "is_decoder": True,
    "position_embedding_type": "relative_key",
}
TYPES = (
    *("bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert", "albert", "gpt2"),
    *("t5", "llama", "modernbert", "deberta-v2", "clip", "evil", "../bert", "BERT", "auto"),
)
# Regular expressions that take very long in engines that go back.
REGEXES = ("(a+)+$", "(a|a)*$", "(?:a|aa)+b", "(.*)*(.*)*x", "((((a*)*)*)*)b", "(?<=a{1000})b", "[")

Mutation = Callable[[random.Random, bytes], bytes]


def mutate(rng: random.Random, data: bytes, *, name: str) -> bytes:
    """Make a file wrong, once to four times.

    rng (random.Random): Seeded, so that every case can be repeated.
    data (bytes): What the file holds.
    name (str): Its name, which says what it is.
    """
    kinds: list[Mutation] = [change_bytes]
    if name.endswith(".json") or name in ("cfg", "meta.json"):
        kinds += [change_json] * 4
    if name.endswith(".safetensors"):
        kinds += [change_header] * 3
    for _ in range(rng.choice((1, 1, 2, 4))):
        data = rng.choice(kinds)(rng, data)
    return data


def change_bytes(rng: random.Random, data: bytes) -> bytes:
    """Flip a bit; cut, double, insert or overwrite some bytes; or take another file altogether."""
    if not data:
        return rng.choice((b"{}", b"\0", b"PK\x03\x04", b"<html>"))
    place, length = rng.randrange(len(data)), rng.choice((1, 2, 8, 64, 4096))
    kind = rng.randrange(7)
    if kind <= 1:
        changed = bytearray(data)
        changed[place] ^= 1 << rng.randrange(8)
        return bytes(changed)
    if kind == 2:
        return data[:place] + data[place + length :]
    if kind == 3:
        return data[:place] + data[place : place + length] * 2 + data[place + length :]
    if kind == 4:
        return data[:place] + rng.randbytes(length) + data[place:]
    if kind == 5:
        return data[:place]
    return rng.choice((b"", rng.randbytes(64), b"<html></html>", b"\x80\x04.", b"{" * 5000, b"[]"))


def change_json(rng: random.Random, data: bytes) -> bytes:
    """Change a value anywhere, drop or add a key, or write a key twice."""
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        return change_bytes(rng, data)
    holders = [found for found in _walk(parsed) if found]
    if not holders:
        return json.dumps(rng.choice(VALUES)).encode()
    # Long lists and vocabularies would be met most of the time: every holder counts once.
    holder = rng.choice(holders)
    key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    kind = rng.randrange(8)
    if kind <= 2:
        holder[key] = rng.choice(VALUES)
    elif kind == 3:
        del holder[key]
    elif kind == 4 and isinstance(parsed, dict):
        name = rng.choice(list(KEYS))
        parsed[name] = KEYS[name]
    elif kind == 5 and isinstance(parsed, dict) and "model_type" in parsed:
        parsed["model_type"] = rng.choice(TYPES)
    elif kind == 5 and isinstance(parsed, dict) and "pre_tokenizer" in parsed:
        split = {"type": "Split", "pattern": {"Regex": rng.choice(REGEXES)}, "invert": False}
        parsed["pre_tokenizer"] = {**split, "behavior": "Isolated"}
    elif kind == 6 and isinstance(holder, dict):
        holder[str(rng.choice(VALUES))[:50]] = holder[key]
    else:
        holder[key] = rng.choice(list(_walk(parsed)) or [None])
        try:
            return json.dumps(parsed).encode()
        except (ValueError, RecursionError):  # it holds itself
            return change_bytes(rng, data)
    text = json.dumps(parsed)
    if rng.random() < 0.1:
        text = text.replace("{", '{"vocab_size": 3, ', 1)  # perhaps for the second time
    if rng.random() < 0.1:
        text = text.replace("1", rng.choice(("NaN", "Infinity", "1e999", "9" * 400)), 1)
    return text.encode()


def change_header(rng: random.Random, data: bytes) -> bytes:
    """Change the header of a safetensors file, or the length that it is said to have."""
    if len(data) < 10:
        return change_bytes(rng, data)
    length = int.from_bytes(data[:8], "little")
    header, rest = data[8 : 8 + length], data[8 + length :]
    if rng.random() < 0.2:
        wrong = rng.choice((0, 1, length - 1, length + 1, 2**31, 2**63, 2**64 - 1, len(data)))
        return (wrong % 2**64).to_bytes(8, "little") + header + rest
    header = change_json(rng, header) if rng.random() < 0.8 else change_bytes(rng, header)
    return len(header).to_bytes(8, "little") + header + rest


def _walk(value: Any, depth: int = 0) -> list[Any]:
    """All objects and lists of a JSON value, those in long lists left out."""
    if depth > 20 or not isinstance(value, dict | list):
        return []
    parts = value.values() if isinstance(value, dict) else value[:20]
    return [value, *(found for part in parts for found in _walk(part, depth + 1))]
