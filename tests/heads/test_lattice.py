"""Sums over legal sequences, against every sequence written out."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lattice_reference import (
    add_up,
    draw_allowed,
    draw_batches,
    list_parts,
    list_ways,
    make_transitions,
)
from torch import Tensor

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.heads import (
    Transitions,
    best_tags,
    log_partition,
    sequence_log_probs,
    tags_allowed,
)

Batch = tuple[Tensor, list[int], Transitions | None]


def sum_ways(batch: Batch, allowed: Tensor | None = None) -> list[float]:
    emissions, lengths, transitions = batch
    totals = []
    for part in list_parts(lengths):
        tags = None if allowed is None else allowed[part]
        ways = list_ways(emissions[part], transitions, tags)
        totals.append(add_up([value for _, value in ways]))
    return totals


@given(draw_batches())
@settings(max_examples=40)
def test_log_partition_sums_over_all_legal_sequences(batch: Batch) -> None:
    found = log_partition(*batch)
    assert found.tolist() == pytest.approx(sum_ways(batch), abs=1e-6)


@given(draw_batches(), st.sampled_from([0.3, 0.7]))
@settings(max_examples=40)
def test_sequences_that_are_not_allowed_are_left_out(batch: Batch, share: float) -> None:
    allowed = draw_allowed(batch[0], share)
    expected = sum_ways(batch, allowed)
    assert log_partition(*batch, allowed=allowed).tolist() == pytest.approx(expected, abs=1e-6)
    log_probs = [a - b for a, b in zip(expected, sum_ways(batch), strict=True)]
    found = sequence_log_probs(*batch, allowed=allowed).tolist()
    assert found == pytest.approx(log_probs, abs=1e-6)


@pytest.mark.parametrize("is_learned", [False, True])
def test_gradients_are_exact(is_learned: bool) -> None:
    lengths = [3, 0, 1, 2]
    torch.manual_seed(0)
    emissions = torch.randn(6, 9, dtype=torch.float64, requires_grad=True)
    allowed = tags_allowed(torch.tensor([1, -1, 3, -1, -1, 0]), n_tags=9)
    tables = make_transitions(2)
    tensors = [tables.out, tables.inside, tables.start, tables.end] if is_learned else []
    for tensor in tensors:
        tensor.requires_grad_()

    def both(scores: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
        transitions = Transitions(*parts) if parts else None
        return (
            log_partition(scores, lengths, transitions),
            sequence_log_probs(scores, lengths, transitions, allowed=allowed),
        )

    assert torch.autograd.gradcheck(both, (emissions, *tensors))


def test_the_gradient_of_the_sum_is_the_share_of_each_tag() -> None:
    emissions = torch.randn(7, 9, requires_grad=True)
    log_partition(emissions, [4, 3]).sum().backward()
    assert emissions.grad is not None
    assert emissions.grad.sum(1).tolist() == pytest.approx([1.0] * 7, abs=1e-5)
    # No way begins inside an entity or ends with one open.
    assert emissions.grad[[0, 4]][:, [2, 3, 6, 7]].abs().max() == 0
    assert emissions.grad[[3, 6]][:, [1, 2, 5, 6]].abs().max() == 0


@pytest.mark.parametrize("transitions", [None, make_transitions(1)])
def test_nothing(transitions: Transitions | None) -> None:
    emissions = torch.zeros(0, 5, dtype=torch.float64)
    allowed = torch.zeros(0, 5, dtype=torch.bool)
    for lengths in ([], [0, 0]):
        assert best_tags(emissions, lengths, transitions).tolist() == []
        assert log_partition(emissions, lengths, transitions).tolist() == [0.0] * len(lengths)
        found = sequence_log_probs(emissions, lengths, transitions, allowed=allowed)
        assert found.tolist() == [0.0] * len(lengths)


def test_no_labels() -> None:
    emissions = torch.tensor([[1.0], [2.0], [4.0]])
    for transitions in (None, make_transitions(0, dtype=torch.float32).scale(0.0)):
        assert log_partition(emissions, [1, 2], transitions).tolist() == [1.0, 6.0]
        assert best_tags(emissions, [1, 2], transitions).tolist() == [0, 0, 0]


def test_transitions_of_zero_are_no_transitions() -> None:
    emissions, lengths = torch.randn(9, 13), [2, 7]
    zeros = make_transitions(3, dtype=torch.float32).scale(0.0)
    found = log_partition(emissions, lengths, zeros).tolist()
    assert found == pytest.approx(log_partition(emissions, lengths).tolist(), abs=1e-5)


@pytest.mark.parametrize("transitions", [None, make_transitions(1)])
def test_contradicting_annotation_is_impossible(transitions: Transitions | None) -> None:
    emissions = torch.zeros(5, 5, dtype=torch.float64, requires_grad=True)
    allowed = tags_allowed(torch.tensor([-1, 3, 0, 3, -1]), n_tags=5)
    found = sequence_log_probs(emissions, [2, 3], transitions, allowed=allowed)
    assert found.isfinite().tolist() == [True, False]
    assert found[1].item() == -math.inf
    found[0].backward()
    assert emissions.grad is not None
    assert emissions.grad.isfinite().all()


@pytest.mark.parametrize("transitions", [None, make_transitions(2)])
def test_a_sequence_is_the_same_alone_and_in_any_batch(transitions: Transitions | None) -> None:
    torch.manual_seed(0)
    parts = [torch.randn(n, 9, dtype=torch.float64) for n in (3, 1, 6, 0, 6, 2)]
    together = log_partition(torch.cat(parts), [len(p) for p in parts], transitions)
    alone = torch.cat([log_partition(part, [len(part)], transitions) for part in parts])
    assert torch.allclose(together, alone)
    tags = best_tags(torch.cat(parts), [len(p) for p in parts], transitions).tolist()
    assert tags == [t for p in parts for t in best_tags(p, [len(p)], transitions).tolist()]


def test_half_precision_is_summed_in_fp32() -> None:
    emissions = torch.randn(300, 9).bfloat16()
    found = log_partition(emissions, [300])
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(log_partition(emissions.double(), [300]).item(), rel=1e-5)


def test_one_long_sequence_keeps_its_digits() -> None:
    emissions = 20 * torch.randn(3000, 5)
    tags = best_tags(emissions, [3000])
    allowed = tags_allowed(tags, n_tags=5)
    found = sequence_log_probs(emissions, [3000], allowed=allowed).item()
    exact = sequence_log_probs(emissions.double(), [3000], allowed=allowed).item()
    assert found == pytest.approx(exact, rel=1e-3)


def test_shapes_are_checked() -> None:
    emissions = torch.zeros(3, 5)
    with pytest.raises(SettingError, match="emissions"):
        best_tags(torch.zeros(3, 4), [3])
    with pytest.raises(SettingError, match="emissions"):
        best_tags(torch.zeros(5), [5])
    with pytest.raises(SettingError, match="allowed"):
        log_partition(emissions, [3], allowed=torch.ones(3, 9, dtype=torch.bool))
    with pytest.raises(SettingError, match="add up to 3"):
        log_partition(emissions, [2])
    good = make_transitions(1)
    for name in ("out", "inside", "start", "end"):
        wrong = Transitions(**{**vars(good), name: torch.zeros(7)})
        with pytest.raises(SettingError, match=name):
            best_tags(emissions, [3], wrong)
