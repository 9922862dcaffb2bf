"""The loss of tags: what is not annotated does not count."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spacy_bert_plugin.heads import Transitions, log_partition
from spacy_bert_plugin.heads.partial import tags_allowed
from spacy_bert_plugin.heads.token_loss import tag_loss

O, B, I, L, U = range(5)  # noqa: E741
N_TAGS = 5


def make_scores(n_tokens: int) -> Tensor:
    generator = torch.Generator().manual_seed(n_tokens)
    return torch.randn(n_tokens, N_TAGS, generator=generator).requires_grad_()


def make_transitions() -> Transitions:
    generator = torch.Generator().manual_seed(0)
    shapes = ((3, 3), (1, 2, 2), (3,), (3,))
    return Transitions(*(torch.randn(shape, generator=generator) for shape in shapes))


@given(st.lists(st.integers(-1, 4), min_size=1, max_size=6))
def test_cross_entropy_of_the_annotated_tokens(tags: list[int]) -> None:
    scores, gold = make_scores(len(tags)), torch.tensor(tags)
    loss = tag_loss(scores, gold, [len(tags)])
    is_known = gold >= 0
    if is_known.any():
        torch.testing.assert_close(loss, F.cross_entropy(scores[is_known], gold[is_known]))
    else:
        assert loss.item() == 0.0
    loss.backward()
    assert torch.equal(torch.as_tensor(scores.grad).any(1), is_known)


@pytest.mark.parametrize("tags", [[O, B, L, -1], [-1, -1, U, O], [O, O, O, O], [B, I, -1, L]])
def test_crf_sums_over_what_is_not_annotated(tags: list[int]) -> None:
    scores, gold, transitions = make_scores(4), torch.tensor(tags), make_transitions()
    lengths = [4, 0]
    loss = tag_loss(scores, gold, lengths, transitions=transitions)
    allowed = tags_allowed(gold, n_tags=N_TAGS)
    within = log_partition(scores, lengths, transitions, allowed=allowed)
    free = log_partition(scores, lengths, transitions)
    n_known = sum(tag >= 0 for tag in tags)
    torch.testing.assert_close(loss, (free - within).sum() / n_known)


@pytest.mark.parametrize("transitions", [None, make_transitions()], ids=["plain", "crf"])
@pytest.mark.parametrize("n_tokens", [0, 3])
def test_nothing_annotated_is_zero_with_a_graph(
    transitions: Transitions | None, n_tokens: int
) -> None:
    scores = make_scores(n_tokens)
    tags = torch.full((n_tokens,), -1)
    loss = tag_loss(scores, tags, [n_tokens], transitions=transitions)
    assert loss.item() == 0.0
    loss.backward()
    assert not torch.as_tensor(scores.grad).any()


def test_an_illegal_annotation_teaches_nothing() -> None:
    """B before O is no sequence; the other Doc of the batch counts."""
    scores, transitions = make_scores(4), make_transitions()
    loss = tag_loss(scores, torch.tensor([B, O, U, O]), [2, 2], transitions=transitions)
    loss.backward()
    gradient = torch.as_tensor(scores.grad)
    assert bool(gradient.isfinite().all())
    assert not gradient[:2].any()
    alone = tag_loss(scores[2:], torch.tensor([U, O]), [2], transitions=transitions)
    torch.testing.assert_close(loss * 4, alone * 2)


def test_weights_and_smoothing() -> None:
    scores, tags = make_scores(3), torch.tensor([O, U, -1])
    weights = torch.tensor([0.5, 1.0, 1.0, 1.0, 2.0])
    loss = tag_loss(scores, tags, [3], weights=weights, label_smoothing=0.1)
    expected = F.cross_entropy(scores[:2], tags[:2], weight=weights, label_smoothing=0.1)
    torch.testing.assert_close(loss, expected)


def test_weights_of_zero_are_like_no_annotation() -> None:
    scores, tags = make_scores(3), torch.tensor([O, O, -1])
    weights = torch.tensor([0.0, 1.0, 1.0, 1.0, 1.0])
    loss = tag_loss(scores, tags, [3], weights=weights)
    assert loss.item() == 0.0
    loss.backward()
    assert not torch.as_tensor(scores.grad).any()
