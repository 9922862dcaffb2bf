"""How likely entities are, against every sequence written out."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from lattice_reference import draw_batches, list_posteriors, make_transitions
from torch import Tensor

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.heads import (
    BiluoScheme,
    Transitions,
    best_tags,
    find_candidates,
    log_partition,
    span_log_probs,
)

Batch = tuple[Tensor, list[int], Transitions | None]


@given(draw_batches())
@settings(max_examples=40)
def test_probability_of_every_possible_entity(batch: Batch) -> None:
    expected = list_posteriors(*batch)
    spans = np.array(list(expected), dtype=np.int64).reshape(-1, 3)
    found = span_log_probs(*batch, spans=spans)
    assert found.exp().tolist() == pytest.approx(list(expected.values()), abs=1e-6)
    assert (found <= 0).all()


@given(draw_batches())
@settings(max_examples=40)
def test_candidates_are_all_entities_that_are_likely_enough(batch: Batch) -> None:
    expected = list_posteriors(*batch)
    for least in (0.02, 0.4):
        spans, log_probs = find_candidates(*batch, min_probability=least, max_length=9)
        found = {
            tuple(span): math.exp(value)
            for span, value in zip(spans.tolist(), log_probs.tolist(), strict=True)
        }
        assert list(found) == sorted(found)
        assert found == {span: pytest.approx(expected[span], abs=1e-6) for span in found}
        # Nothing is missing, save what lies on the limit.
        assert set(found) >= {s for s, value in expected.items() if value > least + 1e-6}
        assert all(value > least - 1e-6 for value in found.values())


@pytest.mark.parametrize("transitions", [None, make_transitions(2, dtype=torch.float32)])
def test_candidates_have_the_probability_of_their_span(transitions: Transitions | None) -> None:
    torch.manual_seed(1)
    emissions, lengths = torch.randn(60, 9), [30, 1, 0, 29]
    options = {"min_probability": 0.001, "max_length": 7}
    spans, log_probs = find_candidates(emissions, lengths, transitions, **options)
    found = span_log_probs(emissions, lengths, transitions, spans=spans)
    assert torch.allclose(found, log_probs, atol=1e-4)
    assert {1, 2, 3, 4} <= set((spans[:, 1] - spans[:, 0]).tolist()) <= set(range(1, 8))
    shorter, _ = find_candidates(
        emissions, lengths, transitions, min_probability=0.001, max_length=2
    )
    assert shorter.tolist() == [s for s in spans.tolist() if s[1] - s[0] <= 2]


def test_long_entities_are_found() -> None:
    scheme = BiluoScheme(["A", "B"])
    gold = np.array([[2, 22, 1], [30, 31, 0]], dtype=np.int64)
    tags = torch.from_numpy(scheme.encode(gold, n_tokens=40))
    emissions = 12 * torch.nn.functional.one_hot(tags, scheme.n_tags).float()
    spans, log_probs = find_candidates(emissions, [25, 15], min_probability=0.1, max_length=20)
    assert spans.tolist() == gold.tolist()
    assert log_probs.exp().min() > 0.99
    spans, _ = find_candidates(emissions, [25, 15], min_probability=0.1, max_length=19)
    assert spans.tolist() == gold[1:].tolist()


def test_a_span_over_the_end_of_its_sequence_is_impossible() -> None:
    spans = np.array([[1, 3, 0], [0, 2, 0]], dtype=np.int64)
    found = span_log_probs(torch.zeros(4, 5), [2, 2], spans=spans)
    assert found[0] == -math.inf
    # The legal sequences of two tokens: four of O and U, and B L.
    assert found[1].exp().item() == pytest.approx(1 / 5)


@pytest.mark.parametrize("transitions", [None, make_transitions(1)])
def test_nothing(transitions: Transitions | None) -> None:
    none = np.zeros((0, 3), dtype=np.int64)
    for emissions, lengths in (
        (torch.zeros(0, 5).double(), []),
        (torch.zeros(0, 5).double(), [0, 0]),
        (torch.tensor([[90.0, 0, 0, 0, 0]]).double(), [1]),
    ):
        assert span_log_probs(emissions, lengths, transitions, spans=none).tolist() == []
        spans, log_probs = find_candidates(
            emissions, lengths, transitions, min_probability=0.5, max_length=3
        )
        assert spans.shape == (0, 3)
        assert log_probs.tolist() == []


def test_no_labels() -> None:
    spans, _ = find_candidates(torch.zeros(3, 1), [3], min_probability=0.5, max_length=3)
    assert spans.shape == (0, 3)


def test_a_label_never_offered_leaves_the_others_alone() -> None:
    emissions = torch.randn(6, 5)
    wider = torch.cat([emissions, torch.full((6, 4), -1e4)], 1)
    spans = np.array([[0, 2, 0], [3, 4, 0]], dtype=np.int64)
    narrow = span_log_probs(emissions, [6], spans=spans)
    assert torch.allclose(span_log_probs(wider, [6], spans=spans), narrow, atol=1e-5)


def test_a_constant_for_a_token_changes_nothing() -> None:
    emissions, spans = torch.randn(6, 9), torch.tensor([[0, 3, 1], [5, 6, 0]])
    shifted = emissions + 1000 * torch.randn(6, 1)
    found = span_log_probs(shifted, [6], spans=spans)
    assert torch.allclose(found, span_log_probs(emissions, [6], spans=spans), atol=1e-3)


def test_long_sequences_keep_their_digits() -> None:
    torch.manual_seed(0)
    scheme = BiluoScheme(["A", "B", "C"])
    emissions, lengths = 4 * torch.randn(1200, 13), [1199, 1]
    spans = scheme.decode(best_tags(emissions, lengths).numpy(), lengths)
    found = span_log_probs(emissions, lengths, spans=spans)
    exact = span_log_probs(emissions.double(), lengths, spans=spans)
    assert len(spans) > 100
    assert torch.allclose(found.double(), exact, atol=1e-2)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_scores_that_are_no_numbers_give_probabilities(value: float) -> None:
    emissions = torch.randn(6, 5)
    emissions[2, 3] = value
    found = span_log_probs(emissions, [6], spans=np.array([[0, 1, 0], [2, 4, 0]]))
    assert ((found.exp() >= 0) & (found.exp() <= 1)).all()


def test_no_gradient_is_kept() -> None:
    emissions = torch.randn(4, 5, requires_grad=True)
    spans, log_probs = find_candidates(emissions, [4], min_probability=0.01, max_length=4)
    assert not log_probs.requires_grad
    assert not span_log_probs(emissions, [4], spans=spans).requires_grad


def test_the_sum_over_lone_entities_is_the_share_of_sequences_with_one() -> None:
    # One token: O or U, so the probabilities of its entities and of O make up one.
    emissions = torch.randn(1, 9, dtype=torch.float64)
    found = span_log_probs(emissions, [1], spans=np.array([[0, 1, 0], [0, 1, 1]])).exp().sum()
    outside = (emissions[0, 0] - log_partition(emissions, [1])[0]).exp()
    assert (found + outside).item() == pytest.approx(1.0)


@pytest.mark.parametrize(
    "options",
    [
        {"min_probability": 0.0, "max_length": 3},
        {"min_probability": 1.5, "max_length": 3},
        {"min_probability": math.nan, "max_length": 3},
        {"min_probability": 0.5, "max_length": 0},
    ],
)
def test_settings_are_checked(options: dict[str, float]) -> None:
    with pytest.raises(SettingError, match="Change it in the config"):
        find_candidates(torch.zeros(2, 5), [2], **options)


@pytest.mark.parametrize("span", [[0, 0, 0], [0, 3, 0], [0, 1, 1], [-1, 1, 0], [0, 1]])
def test_spans_are_checked(span: list[int]) -> None:
    with pytest.raises(SettingError, match="start, end, label index"):
        span_log_probs(torch.zeros(2, 5), [2], spans=np.array([span]))
