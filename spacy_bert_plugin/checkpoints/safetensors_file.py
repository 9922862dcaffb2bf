"""Safetensors, checked before a byte of a tensor is read.

    8 bytes      n bytes                                  the rest
    n            {"name": {"dtype", "shape",              tensors, end to end,
                  "data_offsets": [begin, end]}, ...}     without holes or overlaps

Format: https://huggingface.co/docs/safetensors. The library checks less of it: it takes a key that
occurs twice, and maps the file, so that a file cut off later kills the process.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from ..errors import CheckpointError, Errors
from .files import FileReader
from .json_text import parse_json

MAX_HEADER = 32 * 1024 * 1024
MAX_TENSORS = 20_000
MAX_DIMENSIONS = 8
# Types that weights may have; all are converted to the first.
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
# Bytes of an element of every type that the format knows. Others than DTYPES are skipped.
ITEM_SIZES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "U16": 2,
    "I16": 2,
    "F16": 2,
    "BF16": 2,
    "U32": 4,
    "I32": 4,
    "F32": 4,
    "U64": 8,
    "I64": 8,
    "F64": 8,
}


@dataclass(frozen=True)
class TensorEntry:
    """Where a tensor lies in a file: bytes from the end of the header, `end` not included."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_header(reader: FileReader) -> list[TensorEntry]:
    """Read and check the header of a safetensors file.

    reader (FileReader): The file, at its begin.
    RETURNS (list[TensorEntry]): All tensors, in the order in which they lie in the file. Together
        they cover it to the last byte.
    RAISES (CheckpointError): The file is anything but whole and well-formed.
    """
    if reader.size < 8:
        raise _refuse(reader, f"it has {reader.size} bytes")
    length = int.from_bytes(reader.read(8), "little")
    room = reader.size - 8
    if not 2 <= length <= min(room, MAX_HEADER):
        raise _refuse(reader, f"its header is said to have {length} bytes, the file has {room}")
    text = reader.read(length)
    if not text.startswith(b"{"):
        raise _refuse(reader, "its header does not begin with '{'")
    try:
        data = parse_json(text.decode("utf8"), source=f"{reader.where} (header)")
    except UnicodeDecodeError as error:
        raise _refuse(reader, f"its header is not UTF-8 ({error})") from None
    data.pop("__metadata__", None)
    if len(data) > MAX_TENSORS:
        raise _refuse(reader, f"it has {len(data)} tensors, expected at most {MAX_TENSORS}")
    entries = [_parse_entry(reader, name, value) for name, value in data.items()]
    entries.sort(key=lambda entry: (entry.begin, entry.end))
    position = 0
    for entry in entries:
        if entry.begin != position:
            kind = "overlaps the one before" if entry.begin < position else "leaves a hole"
            raise _refuse(reader, f"tensor '{entry.name}' {kind}")
        position = entry.end
    if position != room - length:
        raise _refuse(reader, f"its tensors take {position} bytes, it has {room - length}")
    return entries


def read_tensors(
    reader: FileReader, entries: Collection[TensorEntry], *, wanted: Collection[str]
) -> Iterator[tuple[str, Tensor]]:
    """Read tensors into memory of their own.

    reader (FileReader): The file, after `read_header`.
    entries (Collection[TensorEntry]): What `read_header` gave.
    wanted (Collection[str]): Names of the tensors to read; the others are passed over.
    YIELDS (tuple[str, Tensor]): Name and tensor, float32 whatever the file has.
    RAISES (CheckpointError): A wanted tensor has another type than `DTYPES` or is not finite.
    """
    for entry in entries:
        if entry.name not in wanted:
            _skip(reader, entry.end - entry.begin)
            continue
        dtype = DTYPES.get(entry.dtype)
        if dtype is None:
            expected = ", ".join(DTYPES)
            raise CheckpointError(
                Errors.SB331.format(
                    source=reader.where, name=entry.name, got=entry.dtype, expected=expected
                )
            )
        buffer = torch.empty(entry.end - entry.begin, dtype=torch.uint8)
        reader.fill(buffer.numpy().data)
        tensor = buffer.view(dtype).reshape(entry.shape).to(torch.float32)
        if not is_finite(tensor):
            raise CheckpointError(Errors.SB335.format(source=reader.where, name=entry.name))
        yield entry.name, tensor


def write_tensors(tensors: Mapping[str, Tensor]) -> bytes:
    """Write tensors as a safetensors file that transformers opens."""
    # "format" is what transformers asks of a file before it reads it.
    data: bytes = save(dict(tensors), metadata={"format": "pt"})
    return data


def is_finite(tensor: Tensor) -> bool:
    """Whether no element is NaN or infinite, in one pass and without a second tensor."""
    if not tensor.numel():
        return True
    low, high = tensor.aminmax()  # NaN passes through both
    return math.isfinite(low.item()) and math.isfinite(high.item())


def _parse_entry(reader: FileReader, name: str, value: Any) -> TensorEntry:
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise _refuse(reader, f"tensor {name[:80]!r} has no type, shape and offsets")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in ITEM_SIZES:
        raise _refuse(reader, f"tensor {name[:80]!r} has the unknown type {str(dtype)[:20]!r}")
    if not _is_counts(shape) or len(shape) > MAX_DIMENSIONS:
        raise _refuse(reader, f"tensor {name[:80]!r} has the shape {str(shape)[:80]}")
    if not _is_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise _refuse(reader, f"tensor {name[:80]!r} has the offsets {str(offsets)[:80]}")
    begin, end = offsets
    if end - begin != math.prod(shape) * ITEM_SIZES[dtype]:
        raise _refuse(reader, f"tensor {name[:80]!r} has {end - begin} bytes for shape {shape}")
    return TensorEntry(name, dtype, tuple(shape), begin, end)


def _is_counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(n) is int and n >= 0 for n in value)


def _skip(reader: FileReader, n_bytes: int) -> None:
    for begin in range(0, n_bytes, MAX_HEADER):
        reader.read(min(MAX_HEADER, n_bytes - begin))


def _refuse(reader: FileReader, error: str) -> CheckpointError:
    return CheckpointError(Errors.SB330.format(source=reader.where, error=error))
