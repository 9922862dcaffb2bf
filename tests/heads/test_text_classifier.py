"""Pooling and scoring of texts laid end to end."""

import numpy as np
import pytest
import torch

from spacy_bert_plugin.heads import (
    AttentionPooling,
    TextClassifier,
    fit_text_temperature,
    pool_mean,
)
from spacy_bert_plugin.heads.text_scores import measure_text_error, to_probabilities

LENGTHS = [3, 0, 1, 2]
VECTORS = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def split(vectors: torch.Tensor) -> list[torch.Tensor]:
    return list(vectors.split(LENGTHS))


def test_mean_of_each_text() -> None:
    expected = [part.mean(0) if len(part) else torch.zeros(4) for part in split(VECTORS)]
    assert torch.allclose(pool_mean(VECTORS, LENGTHS), torch.stack(expected).double())


def test_vectors_that_come_one_a_text_are_taken_as_they_are() -> None:
    assert pool_mean(VECTORS, [1] * 6) is VECTORS
    pooling = AttentionPooling(4).double()
    torch.nn.init.normal_(pooling.query)
    assert torch.allclose(pooling(VECTORS, [1] * 6), VECTORS)


def test_attention_starts_as_the_mean() -> None:
    assert torch.allclose(
        AttentionPooling(4).double()(VECTORS, LENGTHS), pool_mean(VECTORS, LENGTHS)
    )


def test_attention_is_a_softmax_within_each_text() -> None:
    pooling = AttentionPooling(4).double()
    torch.nn.init.normal_(pooling.query, std=3.0)
    expected = [
        ((part @ pooling.query / 2.0).softmax(0)[:, None] * part).sum(0) for part in split(VECTORS)
    ]
    assert torch.allclose(pooling(VECTORS, LENGTHS), torch.stack(expected))


def test_attention_of_huge_scores_is_finite() -> None:
    pooling = AttentionPooling(4)
    torch.nn.init.constant_(pooling.query, 1e4)
    pooled = pooling(1e3 * VECTORS.float(), LENGTHS)
    pooled.sum().backward()
    assert bool(pooled.isfinite().all())
    assert bool(pooling.query.grad.isfinite().all())


def test_attention_learns() -> None:
    pooling = AttentionPooling(4).double()
    vectors = VECTORS.clone().requires_grad_()

    def pool(query: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(pooling, {"query": query}, (rows, LENGTHS))

    query = torch.randn(4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(pool, (query, vectors))


@pytest.mark.parametrize("pooling", ["given", "mean", "attention"])
@pytest.mark.parametrize("hidden_width", [0, 5])
def test_alone_is_as_in_a_batch(pooling: str, hidden_width: int) -> None:
    torch.manual_seed(0)
    head = TextClassifier(4, 3, pooling=pooling, hidden_width=hidden_width).double()
    together = head(VECTORS, lengths=LENGTHS)
    assert together.shape == (4, 3)
    alone = [head(part, lengths=[len(part)]) for part in split(VECTORS)]
    assert torch.allclose(together, torch.cat(alone))
    assert head(VECTORS[:0], lengths=[]).shape == (0, 3)


def test_dropout_is_an_argument() -> None:
    head = TextClassifier(4, 3, hidden_width=8).double()
    vectors = torch.ones(500, 4, dtype=torch.float64)
    lengths = [1] * 500
    assert len(head(vectors, lengths=lengths).unique(dim=0)) == 1
    assert len(head(vectors, lengths=lengths, dropout=0.5).unique(dim=0)) > 10


def test_copy_keeps_what_was_learned() -> None:
    old = TextClassifier(4, 2, pooling="attention", hidden_width=5)
    torch.nn.init.normal_(old.pooling.query)
    new = TextClassifier(4, 3, pooling="attention", hidden_width=5)
    new.copy_from(old)
    vectors = VECTORS.float()
    before, after = old(vectors, lengths=LENGTHS), new(vectors, lengths=LENGTHS)
    assert torch.equal(before, after[:, :2])
    assert bool((after[:, 2] != 0).any())


def test_probabilities() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 4.0]])
    exclusive = to_probabilities(logits, temperature=2.0, exclusive=True)
    assert exclusive == pytest.approx((logits / 2).softmax(1).numpy())
    several = to_probabilities(logits, temperature=2.0, exclusive=False)
    assert several == pytest.approx((logits / 2).sigmoid().numpy())


def test_error_of_texts_by_hand() -> None:
    logits = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    settings = {"temperature": 1.0}
    gold = np.array([0, 0])  # sure to one half, and right both times
    assert measure_text_error(logits, gold, exclusive=True, **settings) == pytest.approx(0.5)
    answers = np.array([[1.0, np.nan], [0.0, 0.0]])  # one half each, one of three holds
    error = measure_text_error(logits, answers, exclusive=False, **settings)
    assert error == pytest.approx(0.5 - 1 / 3)


@pytest.mark.parametrize("exclusive", [True, False])
def test_temperature_of_texts_leaves_out_what_is_not_known(exclusive: bool) -> None:
    torch.manual_seed(0)
    logits = torch.randn(300, 3)
    gold = logits.argmax(1).numpy() if exclusive else (logits > 0).double().numpy()
    holes = np.copy(gold)
    holes[100:] = -1 if exclusive else np.nan
    settings = {"temperature": 1.0, "exclusive": exclusive}
    found = fit_text_temperature(logits, holes, **settings)
    assert found == fit_text_temperature(logits[:100], gold[:100], **settings)
    assert found["ece_after"] < found["ece_before"]
    holes[:] = -1 if exclusive else np.nan
    assert fit_text_temperature(logits, holes, **settings) == {}
    assert fit_text_temperature(logits[:0], holes[:0], **settings) == {}
