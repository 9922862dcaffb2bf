"""The best legal sequence, against every sequence written out."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lattice_reference import (
    draw_allowed,
    draw_batches,
    is_legal,
    list_parts,
    list_ways,
    make_transitions,
    score,
)
from torch import Tensor

from spacy_bert_plugin.heads import Transitions, best_tags

Batch = tuple[Tensor, list[int], Transitions | None]


@given(draw_batches())
@settings(max_examples=40)
def test_no_legal_sequence_is_better(batch: Batch) -> None:
    emissions, lengths, transitions = batch
    tags = tuple(best_tags(*batch).tolist())
    for part in list_parts(lengths):
        found = tags[part]
        best = max(value for _, value in list_ways(emissions[part], transitions))
        assert is_legal(found)
        assert score(emissions[part], found, transitions) == pytest.approx(best, abs=1e-9)


@given(draw_batches(), st.sampled_from([0.3, 0.7]))
@settings(max_examples=40)
def test_only_allowed_tags_where_that_is_possible(batch: Batch, share: float) -> None:
    emissions, lengths, transitions = batch
    allowed = draw_allowed(emissions, share)
    tags = best_tags(*batch, allowed=allowed)
    for part in list_parts(lengths):
        found = tuple(tags[part].tolist())
        assert is_legal(found)
        ways = list_ways(emissions[part], transitions, allowed[part])
        if ways:
            assert allowed[part].gather(1, tags[part, None]).all()
            best = max(value for _, value in ways)
            assert score(emissions[part], found, transitions) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 3e38])
@pytest.mark.parametrize("is_learned", [False, True])
def test_any_scores_give_legal_tags(value: float, is_learned: bool) -> None:
    torch.manual_seed(0)
    transitions = make_transitions(2, dtype=torch.float32) if is_learned else None
    if transitions:
        transitions.out[1, 2] = transitions.inside[0, 1, 1] = transitions.start[3] = value
    for share in (0.1, 1.0):
        emissions = torch.randn(40, 9)
        emissions[torch.rand(emissions.shape) < share] = value
        lengths = [1, 2, 17, 20]
        tags = tuple(best_tags(emissions, lengths, transitions).tolist())
        assert all(is_legal(tags[part]) for part in list_parts(lengths))


def test_a_fit_entity_is_found() -> None:
    # O, B-1, I-1, L-1, U-0 each far above the others.
    best = [0, 5, 6, 7, 4]
    emissions = 10 * torch.nn.functional.one_hot(torch.tensor(best), 9).float()
    assert best_tags(emissions, [5]).tolist() == best


def test_single_illegal_tokens_are_put_right() -> None:
    # B-0 then O: the entity is dropped or made whole, whichever costs less.
    emissions = torch.tensor([[0.0, 5.0, 0.0, 0.0, 4.0], [3.0, 0.0, 0.0, 0.0, 0.0]])
    assert best_tags(emissions, [2]).tolist() == [4, 0]


def test_transitions_decide_where_emissions_do_not() -> None:
    transitions = make_transitions(2).scale(0.0)
    transitions.out[0, 3] = 2.0  # O -> U of label 0
    transitions.out[3, 4] = 1.0  # U of label 0 -> U of label 1
    tags = best_tags(torch.zeros(3, 9, dtype=torch.float64), [3], transitions).tolist()
    assert tags == [0, 4, 8]


def test_no_gradient_is_kept() -> None:
    emissions = torch.randn(4, 5, requires_grad=True)
    assert not best_tags(emissions, [4], make_transitions(1)).requires_grad
