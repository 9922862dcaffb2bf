"""Integers and weights arrive as they were sent."""

import numpy as np
import pytest
import torch

from spacy_bert_plugin.layers.sending import send

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
    ),
]


@pytest.mark.parametrize("name", DEVICES)
def test_arrays_arrive_as_they_were_sent(name: str) -> None:
    arrays = [
        np.arange(5, dtype=np.int64),
        np.zeros(0, dtype=np.int64),
        np.array([0.25, -1.5, 1e-30], dtype=np.float32),
        np.arange(10, dtype=np.int64)[::2],
    ]
    moved = send(*arrays, device=torch.device(name))
    assert [tensor.device.type for tensor in moved] == [name] * 4
    for tensor, array in zip(moved, arrays, strict=True):
        np.testing.assert_array_equal(tensor.cpu().numpy(), array)
        assert str(tensor.dtype) == f"torch.{array.dtype}"


def test_nothing_arrives_as_nothing() -> None:
    assert send(device=torch.device("cpu")) == []
