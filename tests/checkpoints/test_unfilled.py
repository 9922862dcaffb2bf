"""Modules without random weights."""

import threading

import pytest
import torch
from torch import nn

from spacy_bert_plugin.checkpoints.unfilled import skip_random_weights


def test_no_random_numbers_are_drawn() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    with skip_random_weights():
        nn.Linear(3, 4)
        nn.Embedding(3, 4)
    assert torch.equal(torch.rand(1), expected)


def test_constants_are_still_filled() -> None:
    with skip_random_weights():
        norm = nn.LayerNorm(3)
        buffer = torch.arange(3) + torch.ones(3)
    assert norm.weight.tolist() == [1, 1, 1]
    assert norm.bias.tolist() == [0, 0, 0]
    assert buffer.tolist() == [1, 2, 3]


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_functions_that_draw_until_all_fit_come_to_an_end(device: str) -> None:
    with skip_random_weights(device=device):
        tensor = torch.full((50,), 9.0)
        nn.init.trunc_normal_(tensor, std=0.02, a=-0.06, b=0.06)
    assert tensor.is_meta or tensor.abs().max() <= 0.06


def test_no_memory_on_meta() -> None:
    with skip_random_weights(device="meta"):
        layer = nn.Linear(10**6, 10**6)
        layer.weight.data.normal_()
        layer.weight.data.uniform_(0, 1)
    assert layer.weight.is_meta


def test_other_threads_are_left_alone() -> None:
    made: list[nn.Linear] = []
    with skip_random_weights(device="meta"):
        thread = threading.Thread(target=lambda: made.append(nn.Linear(50, 50)))
        thread.start()
        thread.join()
    assert made[0].weight.std() > 0
