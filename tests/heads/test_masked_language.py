"""Heads of pretraining: what they compute, in which type, and where gradients go."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from spacy_bert_plugin.heads import (
    MaskedWordHead,
    NextSentenceHead,
    masked_word_loss,
    next_sentence_loss,
)

N_PIECES, WIDTH = 11, 8


@pytest.fixture
def table() -> nn.Parameter:
    torch.manual_seed(1)
    return nn.Parameter(torch.randn(N_PIECES, WIDTH))


@pytest.fixture
def head() -> MaskedWordHead:
    torch.manual_seed(2)
    return MaskedWordHead(WIDTH, N_PIECES)


def test_scores_are_products_with_the_table(head: MaskedWordHead, table: nn.Parameter) -> None:
    with torch.no_grad():
        head.bias.normal_()
    vectors = torch.randn(3, WIDTH)
    x = F.layer_norm(F.gelu(vectors @ head.dense.weight.t() + head.dense.bias), (WIDTH,), eps=1e-12)
    assert torch.allclose(head(vectors, table), x @ table.t() + head.bias, atol=1e-6)
    with torch.inference_mode():
        assert torch.allclose(head(vectors, table), x @ table.t() + head.bias, atol=1e-5)


def test_the_table_is_never_a_part_of_the_head(head: MaskedWordHead, table: nn.Parameter) -> None:
    before = set(head.state_dict())
    head(torch.randn(2, WIDTH), table, dtype=torch.bfloat16)
    assert set(head.state_dict()) == before
    assert before == {"dense.weight", "dense.bias", "norm.weight", "norm.bias", "bias"}
    assert all(parameter is not table for parameter in head.parameters())
    assert copy.deepcopy(head).sizes == head.sizes


def test_gradients_in_half_precision_reach_fp32_weights(
    head: MaskedWordHead, table: nn.Parameter
) -> None:
    vectors, targets = torch.randn(40, WIDTH), torch.randint(0, N_PIECES, (40,))
    masked_word_loss(head(vectors, table), targets).backward()
    exact = [p.grad.clone() for p in (*head.parameters(), table)]
    for param in (*head.parameters(), table):
        param.grad = None
    logits = head(vectors, table, dtype=torch.bfloat16)
    assert logits.dtype == torch.float32
    masked_word_loss(logits, targets).backward()
    for param, expected in zip((*head.parameters(), table), exact, strict=True):
        assert param.grad is not None
        assert param.grad.dtype == torch.float32
        assert (param.grad - expected).norm() < 0.03 * expected.norm()


def test_weights_that_were_stepped_are_used_after_forget(
    head: MaskedWordHead, table: nn.Parameter
) -> None:
    vectors = torch.randn(2, WIDTH)
    with torch.inference_mode():
        head(vectors, table, dtype=torch.bfloat16)
    optimizer = torch.optim.AdamW([*head.parameters(), table], lr=0.5, fused=True)
    masked_word_loss(head(vectors, table), torch.tensor([1, 2])).backward()
    optimizer.step()
    head.forget_weights()
    with torch.inference_mode():
        half, exact = head(vectors, table, dtype=torch.bfloat16), head(vectors, table)
    assert torch.allclose(half, exact, atol=0.1)


def test_nothing_masked_is_a_loss_of_zero_with_a_graph(
    head: MaskedWordHead, table: nn.Parameter
) -> None:
    nothing = torch.zeros(0, dtype=torch.int64)
    loss = masked_word_loss(head(torch.zeros(0, WIDTH), table), nothing)
    loss.backward()
    assert loss.item() == 0.0
    assert table.grad is not None
    assert float(table.grad.abs().sum()) == 0.0
    assert next_sentence_loss(NextSentenceHead(WIDTH)(torch.zeros(0, WIDTH)), nothing).item() == 0.0


def test_narrow_tables_and_missing_biases() -> None:
    head = MaskedWordHead(WIDTH, N_PIECES, embedding_width=4, use_bias=False, use_norm_bias=False)
    table = nn.Parameter(torch.randn(N_PIECES, 4))
    assert head(torch.randn(2, WIDTH), table).shape == (2, N_PIECES)
    assert set(head.state_dict()) == {"dense.weight", "norm.weight", "bias"}
    with torch.inference_mode():
        half = head(torch.randn(2, WIDTH), table, dtype=torch.bfloat16)
    assert half.shape == (2, N_PIECES)


def test_loss_is_a_mean_of_minus_log_probabilities() -> None:
    logits = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    assert masked_word_loss(logits, torch.tensor([0, 1])).item() == pytest.approx(0.6931472)
    assert next_sentence_loss(logits, torch.tensor([1, 1])).item() == pytest.approx(0.6931472)
