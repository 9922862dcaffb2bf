"""Safetensors: what is read equals the library's, what is damaged is refused."""

import json
import struct
from io import BytesIO
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save

from spacy_bert_plugin.checkpoints.files import FileReader
from spacy_bert_plugin.checkpoints.safetensors_file import (
    is_finite,
    read_header,
    read_tensors,
    write_tensors,
)
from spacy_bert_plugin.errors import CheckpointError

F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def read(data: bytes) -> dict[str, torch.Tensor]:
    reader = FileReader(BytesIO(data), where="x.safetensors", size=len(data), entry=None)
    entries = read_header(reader)
    return dict(read_tensors(reader, entries, wanted=[entry.name for entry in entries]))


def make(header: Any, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


@given(
    st.dictionaries(st.text(), st.lists(st.integers(0, 3), max_size=4), max_size=5),
    st.sampled_from([torch.float32, torch.float16, torch.bfloat16]),
)
def test_equals_the_library(shapes: dict[str, list[int]], dtype: torch.dtype) -> None:
    shapes.pop("__metadata__", None)
    tensors = {name: torch.randn(shape).to(dtype) for name, shape in shapes.items()}
    data = save(tensors)
    found, expected = read(data), load(data)
    assert found.keys() == expected.keys() == tensors.keys()
    for name, tensor in found.items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, expected[name].float())


def test_written_files_are_those_of_transformers() -> None:
    tensors = {"b": torch.randn(2, 3), "a": torch.randn(3)}
    data = write_tensors(tensors)
    assert all(torch.equal(load(data)[name], tensor) for name, tensor in tensors.items())
    assert b'"__metadata__":{"format":"pt"}' in data
    assert write_tensors(dict(reversed(tensors.items()))) == data


def test_no_tensors() -> None:
    assert read(make({})) == {}


def test_other_tensors_are_passed_over() -> None:
    data = save({"a": torch.ones(2), "b": torch.arange(3), "c": torch.zeros(1)})
    reader = FileReader(BytesIO(data), where="x", size=len(data), entry=None)
    found = dict(read_tensors(reader, read_header(reader), wanted={"a", "c"}))
    assert {name: tensor.tolist() for name, tensor in found.items()} == {"a": [1, 1], "c": [0]}


@pytest.mark.parametrize("dtype", [torch.int64, torch.float64, torch.uint8, torch.bool])
def test_types_that_weights_do_not_have(dtype: torch.dtype) -> None:
    with pytest.raises(CheckpointError, match=r"x\.safetensors.*'position'.*F32, F16, BF16"):
        read(save({"position": torch.zeros(2).to(dtype)}))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_numbers_that_are_not_finite(value: float, dtype: torch.dtype) -> None:
    weights = torch.ones(7).to(dtype)
    weights[3] = value
    with pytest.raises(CheckpointError, match=r"x\.safetensors.*'norm'.*NaN"):
        read(save({"norm": weights}))
    assert not is_finite(weights)


DAMAGED = {
    "empty": b"",
    "short": b"1234567",
    "html": b"<!DOCTYPE html><html><head><title>504 Gateway Time-out</title></head></html>",
    "pickle": b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
    "zip": b"PK\x03\x04" + b"\0" * 60,
    "length 2^63": make({"a": F32}, b"\0" * 8, length=2**63),
    "length beyond the end": make({"a": F32}, b"\0" * 8, length=10_000),
    "length 0": make({}, length=0),
    "length 1": make({}, length=1),
    "no object": make(b"[]", b"\0" * 8),
    "leading space": make(b'  {"a": 1}'),
    "no JSON": make(b"{x"),
    "no UTF-8": make(b'{"\xff": 1}'),
    "key twice": make(
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
        b'"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
        b"\0" * 8,
    ),
    "NaN": make(b'{"a": NaN}'),
    "no entry": make({"a": 1}),
    "no offsets": make({"a": {"dtype": "F32", "shape": [2]}}, b"\0" * 8),
    "more keys": make({"a": {**F32, "x": 1}}, b"\0" * 8),
    "unknown type": make({"a": {**F32, "dtype": "F31"}}, b"\0" * 8),
    "type is a list": make({"a": {**F32, "dtype": ["F32"]}}, b"\0" * 8),
    "shape is a number": make({"a": {**F32, "shape": 2}}, b"\0" * 8),
    "shape is negative": make({"a": {**F32, "shape": [-1, -2]}}, b"\0" * 8),
    "shape has floats": make({"a": {**F32, "shape": [2.0]}}, b"\0" * 8),
    "shape has booleans": make({"a": {**F32, "shape": [True, 2]}}, b"\0" * 8),
    "shape is huge": make({"a": {**F32, "shape": [2**62, 4]}}, b"\0" * 8),
    "many dimensions": make({"a": {**F32, "shape": [1] * 30 + [2]}}, b"\0" * 8),
    "three offsets": make({"a": {**F32, "data_offsets": [0, 8, 8]}}, b"\0" * 8),
    "offsets turned round": make({"a": {**F32, "data_offsets": [8, 0]}}, b"\0" * 8),
    "offsets beyond the end": make({"a": {**F32, "data_offsets": [8, 16]}}, b"\0" * 8),
    "negative offset": make({"a": {**F32, "data_offsets": [-8, 0]}}, b"\0" * 8),
    "shape and offsets differ": make({"a": {**F32, "shape": [3]}}, b"\0" * 8),
    "overlap": make({"a": F32, "b": {**F32, "data_offsets": [4, 12]}}, b"\0" * 12),
    "same place": make({"a": F32, "b": F32}, b"\0" * 8),
    "hole": make({"a": F32, "b": {**F32, "data_offsets": [12, 20]}}, b"\0" * 20),
    "hole at the begin": make({"a": {**F32, "data_offsets": [4, 12]}}, b"\0" * 12),
    "too long": make({"a": F32}, b"\0" * 9),
    "too short": make({"a": F32}, b"\0" * 7),
    "many tensors": make(
        {str(i): {**F32, "shape": [0], "data_offsets": [0, 0]} for i in range(20_001)}
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_are_refused_and_named(name: str) -> None:
    with pytest.raises(CheckpointError, match=r"x\.safetensors"):
        read(DAMAGED[name])


def test_the_longest_header_is_bounded() -> None:
    reader = FileReader(BytesIO(b"\0\0\0\x80\0\0\0\0"), where="x", size=2**40, entry=None)
    with pytest.raises(CheckpointError, match="2147483648"):
        read_header(reader)


def test_a_file_that_is_shorter_than_its_size() -> None:
    data = save({"a": torch.ones(4)})
    reader = FileReader(BytesIO(data[:-1]), where="x", size=len(data), entry=None)
    entries = read_header(reader)
    with pytest.raises(CheckpointError, match="ends after"):
        list(read_tensors(reader, entries, wanted={"a"}))


@given(st.binary(max_size=200))
def test_random_bytes(data: bytes) -> None:
    with pytest.raises(CheckpointError, match=r"x\.safetensors"):
        read(data)


GOOD = save({"a": torch.arange(4.0), "b": torch.ones(2, 3).half()}, metadata={"k": "v"})


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 7))
def test_one_flipped_bit_is_an_error_or_a_finite_number(place: int, bit: int) -> None:
    data = bytearray(GOOD)
    data[place] ^= 1 << bit
    try:
        found = read(bytes(data))
    except CheckpointError:
        return
    assert all(is_finite(tensor) for tensor in found.values())
    assert sum(tensor.numel() for tensor in found.values()) == 10


@given(st.integers(0, len(GOOD) - 1))
def test_cut_off_anywhere(length: int) -> None:
    with pytest.raises(CheckpointError, match=r"x\.safetensors"):
        read(GOOD[:length])


def test_tensors_have_memory_of_their_own() -> None:
    found = read(save({"a": torch.ones(4), "b": torch.ones(4)}))
    assert found["a"].untyped_storage().nbytes() == 16
    found["a"].zero_()
    assert found["b"].tolist() == [1, 1, 1, 1]
