"""Dropout is an argument: it acts in its own call and nowhere else."""

import threading

import pytest
import torch
from encoder_reference import make_windows, measure_difference

from spacy_bert_plugin.encoder import BertEncoder, pack

PACKED = pack(make_windows([4, 30, 9, 4]))
RATES = [{"dropout": 0.3}, {"attention_dropout": 0.3}, {"dropout": 0.2, "attention_dropout": 0.2}]


@pytest.mark.parametrize("rates", RATES)
def test_dropout_follows_the_seed(bert: BertEncoder, rates: dict[str, float]) -> None:
    plain = bert(PACKED).last
    torch.manual_seed(0)
    first = bert(PACKED, **rates).last
    second = bert(PACKED, **rates).last
    torch.manual_seed(0)
    assert torch.equal(bert(PACKED, **rates).last, first)
    assert measure_difference(first, second) > 1e-3
    assert measure_difference(first, plain) > 1e-3
    assert torch.equal(bert(PACKED).last, plain)


def test_train_mode_changes_nothing(bert: BertEncoder) -> None:
    assert not bert.training
    plain = bert(PACKED).last
    bert.train(True)
    assert torch.equal(bert(PACKED).last, plain)


@pytest.mark.parametrize("rates", RATES)
def test_gradients_flow_through_dropout(bert: BertEncoder, rates: dict[str, float]) -> None:
    bert(PACKED, **rates).last.square().sum().backward()
    used = [name for name, p in bert.named_parameters() if not name.startswith("pooler.")]
    gradients = dict(bert.named_parameters())
    for name in used:
        gradient = gradients[name].grad
        assert gradient is not None, name
        assert torch.isfinite(gradient).all(), name


def test_dropout_keeps_the_mean(bert: BertEncoder) -> None:
    ids = (PACKED.ids, PACKED.positions, PACKED.segments)
    plain = bert.embeddings(*ids)
    torch.manual_seed(0)
    mean = torch.stack([bert.embeddings(*ids, dropout=0.5) for _ in range(400)]).mean(0)
    assert (mean - plain).abs().mean() < 0.05 * plain.abs().mean() + 0.05


def test_prediction_in_another_thread_has_no_dropout(bert: BertEncoder) -> None:
    with torch.inference_mode():
        expected = bert(PACKED).last
    is_done = threading.Event()

    def train() -> None:
        while not is_done.is_set():
            bert(PACKED, dropout=0.5, attention_dropout=0.5).last.sum().backward()

    thread = threading.Thread(target=train)
    thread.start()
    try:
        with torch.inference_mode():
            found = [bert(PACKED).last for _ in range(30)]
    finally:
        is_done.set()
        thread.join()
    assert all(torch.equal(one, expected) for one in found)
