"""The head that finds answers: scores, loss, reading in runs."""

import math

import pytest
import torch

from spacy_bert_plugin.heads import ReadingHead, read_in_runs
from spacy_bert_plugin.heads.answers import (
    CONTEXT,
    NEITHER,
    QUESTION,
    AnswerFinder,
    AnswerScores,
    answer_loss,
)

SIDES = torch.tensor([QUESTION, QUESTION, CONTEXT, NEITHER, CONTEXT, QUESTION, CONTEXT, CONTEXT])
LENGTHS = [5, 3]


def make_head(*, use_no_answer: bool = True, hidden_width: int = 0) -> AnswerFinder:
    torch.manual_seed(0)
    head = AnswerFinder(6, use_no_answer=use_no_answer, hidden_width=hidden_width)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    return head


def test_only_the_context_answers() -> None:
    scores = make_head()(torch.randn(8, 6), lengths=LENGTHS, sides=SIDES)
    assert scores.borders.isfinite().all(1).tolist() == (SIDES == CONTEXT).tolist()
    assert (scores.borders[SIDES != CONTEXT] == -math.inf).all()
    assert scores.nothing.shape == (2, 2)


def test_no_answer_is_scored_by_the_question_alone() -> None:
    head, vectors = make_head(), torch.randn(8, 6)
    before = head(vectors, lengths=LENGTHS, sides=SIDES)
    means = torch.stack([vectors[:2].mean(0), vectors[5]])
    assert torch.allclose(before.nothing, head.no_answer(means))
    other = torch.where((SIDES == QUESTION)[:, None], vectors, torch.randn(8, 6))
    assert torch.equal(head(other, lengths=LENGTHS, sides=SIDES).nothing, before.nothing)


@pytest.mark.parametrize("hidden_width", [0, 5])
@pytest.mark.parametrize("use_no_answer", [False, True])
def test_alone_in_a_batch_and_in_runs(hidden_width: int, use_no_answer: bool) -> None:
    head = make_head(use_no_answer=use_no_answer, hidden_width=hidden_width)
    assert isinstance(head, ReadingHead)
    vectors = torch.randn(8, 6)
    together = head(vectors, lengths=LENGTHS, sides=SIDES)
    parts = (slice(0, 5), slice(5, 8))
    alone = [head(vectors[p], lengths=[p.stop - p.start], sides=SIDES[p]) for p in parts]
    runs = [read_in_runs(head, vectors[p], run_size=2, sides=SIDES[p]) for p in parts]
    for other in (head.join(alone), head.join(runs)):
        assert other.lengths == together.lengths == (5, 3)
        assert torch.allclose(other.borders, together.borders, atol=1e-6)
        assert (other.nothing is None) is (not use_no_answer)
        if use_no_answer:
            assert torch.allclose(other.nothing, together.nothing, atol=1e-6)


def test_no_texts_no_scores() -> None:
    empty = torch.zeros(0, dtype=torch.int64)
    scores = make_head()(torch.zeros(0, 6), lengths=[], sides=empty)
    assert scores.borders.shape == scores.nothing.shape == (0, 2)
    assert float(answer_loss(scores, [])) == 0.0


def test_loss_is_cross_entropy_of_start_and_end() -> None:
    borders = torch.tensor([[-math.inf, -math.inf], [1.0, 2.0], [0.5, -1.0], [2.0, 0.0]])
    scores = AnswerScores(borders, None, (4,))
    starts, ends = borders[1:, 0].log_softmax(0), borders[1:, 1].log_softmax(0)
    expected = -(starts[1] + ends[2]) / 2
    assert float(answer_loss(scores, [[(2, 4)]])) == pytest.approx(float(expected))
    # Several right answers: the probability of any of their starts, and of any of their ends.
    both = [[(2, 4), (1, 4), (1, 4)]]
    expected = -(torch.logsumexp(starts[:2], 0) + ends[2]) / 2
    assert float(answer_loss(scores, both)) == pytest.approx(float(expected))


def test_loss_of_questions_without_an_answer() -> None:
    borders, nothing = torch.randn(5, 2), torch.randn(2, 2)
    every = torch.cat([borders[2:], nothing[1:]])
    expected = -every.log_softmax(0)[-1].mean()
    scores = AnswerScores(borders, nothing, (2, 3))
    assert float(answer_loss(scores, [None, []])) == pytest.approx(float(expected))
    # A head that always answers learns nothing from them.
    loss = answer_loss(AnswerScores(borders, None, (2, 3)), [None, []])
    assert float(loss) == 0.0
    assert not loss.requires_grad


def test_gradients_are_finite_and_stay_with_what_is_known() -> None:
    head, vectors = make_head(), torch.randn(8, 6, requires_grad=True)
    scores = head(vectors, lengths=LENGTHS, sides=SIDES)
    answer_loss(scores, [[(2, 3)], None]).backward()
    assert vectors.grad.isfinite().all()
    assert vectors.grad[:3].abs().sum(1).all()
    assert not vectors.grad[3].any()  # white space
    assert not vectors.grad[5:].any()  # nothing is known of the second text
