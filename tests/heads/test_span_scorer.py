"""The band of spans: against a scorer that lists every span, in parts, alone and in a batch."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.heads import (
    SCORINGS,
    ScoredSpans,
    SpanBand,
    SpanScorer,
    contains_spans,
    select_spans,
    span_loss,
    span_scorer,
    split_spans,
)

WIDTH, N_LABELS, MAX_LENGTH = 6, 3, 4


def make_scorer(scoring: str = "biaffine", **sizes: int) -> SpanScorer:
    torch.manual_seed(0)
    settings = {"n_labels": N_LABELS, "max_length": MAX_LENGTH, "hidden_width": 5, **sizes}
    scorer = SpanScorer(WIDTH, scoring=scoring, **settings)
    with torch.no_grad():
        for parameter in scorer.parameters():
            parameter.normal_()
    return scorer


def make_vectors(lengths: list[int]) -> Tensor:
    return torch.randn(sum(lengths), WIDTH, generator=torch.Generator().manual_seed(1))


def iter_spans(lengths: list[int]) -> Iterator[tuple[int, int]]:
    """Every start and end of a span, sorted."""
    offset = 0
    for length in lengths:
        for start in range(length):
            for end in range(start + 1, min(start + MAX_LENGTH, length) + 1):
                yield offset + start, offset + end
        offset += length


def score_span(scorer: SpanScorer, vectors: Tensor, start: int, end: int) -> Tensor:
    """Scores of one span, as the docstring of the class says. Shape: (n_labels,)"""
    first = torch.nn.functional.gelu(scorer.start(vectors[start]))
    last = torch.nn.functional.gelu(scorer.end(vectors[end - 1]))
    scores = scorer.start_scores(first) + scorer.end_scores(last)
    scores = scores + scorer.inside_scores(vectors[start:end]).mean(0)
    scores = scores + scorer.length_scores[:, end - start - 1]
    if scorer.pairs is not None:
        scores = scores + torch.stack([first @ pair @ last for pair in scorer.pairs])
    return scores


@pytest.mark.parametrize("scoring", SCORINGS)
@pytest.mark.parametrize("lengths", [[1], [3, 0, 5, 1], [9], [2, 2]], ids=str)
def test_band_equals_spans_one_by_one(scoring: str, lengths: list[int]) -> None:
    scorer, vectors = make_scorer(scoring), make_vectors(lengths)
    band = scorer(vectors, lengths=lengths)
    assert isinstance(band, SpanBand)
    expected = [score_span(scorer, vectors, *span) for span in iter_spans(lengths)]
    start, column = torch.nonzero(band.is_span, as_tuple=True)
    found = list(zip(start.tolist(), (start + column + 1).tolist(), strict=True))
    assert found == list(iter_spans(lengths))
    torch.testing.assert_close(
        band.logits[start, :, column], torch.stack(expected), atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize("chunk_size", [1, 200, 1 << 22])
@pytest.mark.parametrize("min_logit", [-math.inf, 0.0, math.inf])
def test_search_in_parts_equals_the_band(
    monkeypatch: pytest.MonkeyPatch, chunk_size: int, min_logit: float
) -> None:
    monkeypatch.setattr(span_scorer, "CHUNK_SIZE", chunk_size)
    lengths = [7, 0, 2, 11]
    scorer, vectors = make_scorer(), make_vectors(lengths)
    band = scorer(vectors, lengths=lengths)
    found = scorer(vectors, lengths=lengths, min_logit=min_logit)
    assert isinstance(found, ScoredSpans)
    rows = [
        [start, end, label, band.logits[start, label, end - start - 1].item()]
        for start, end in iter_spans(lengths)
        for label in range(N_LABELS)
    ]
    expected = [row for row in rows if row[3] >= min_logit]
    assert found.spans.tolist() == [row[:3] for row in expected]
    assert found.logits.tolist() == pytest.approx([row[3] for row in expected], abs=1e-4)
    assert len(expected) == {-math.inf: len(rows), math.inf: 0}.get(min_logit, len(expected))


def test_alone_equals_in_a_batch() -> None:
    lengths = [5, 3, 8]
    scorer, vectors = make_scorer(), make_vectors(lengths)
    together = scorer(vectors, lengths=lengths, min_logit=-math.inf).logits
    parts = [
        scorer(part, lengths=[len(part)], min_logit=-math.inf).logits
        for part in vectors.split(lengths)
    ]
    torch.testing.assert_close(together, torch.cat(parts), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("lengths", [[], [0], [0, 0]], ids=str)
def test_nothing_in_nothing_out(lengths: list[int]) -> None:
    scorer, vectors = make_scorer(), make_vectors(lengths)
    band, found = scorer(vectors, lengths=lengths), scorer(vectors, lengths=lengths, min_logit=0.0)
    assert band.logits.numel() == 0
    assert found.spans.shape == (0, 3)
    assert found.logits.shape == (0,)
    no_spans = torch.zeros(0, 3, dtype=torch.int64)
    assert span_loss(band, no_spans, torch.zeros(0, dtype=torch.bool)).item() == 0.0


def test_lengths_must_add_up() -> None:
    with pytest.raises(SettingError, match="add up to 3 tokens"):
        make_scorer()(make_vectors([3]), lengths=[2])


@pytest.mark.parametrize(
    "sizes", [{"n_labels": 0}, {"max_length": 0}, {"hidden_width": 0}], ids=str
)
def test_impossible_sizes_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(SettingError, match=next(iter(sizes))):
        make_scorer(**sizes)


def test_unknown_scoring_is_refused() -> None:
    with pytest.raises(SettingError, match="biaffine or start_end"):
        make_scorer("dot")


def test_dropout_is_an_argument() -> None:
    scorer, vectors = make_scorer(), make_vectors([6])
    assert not scorer.eval().training
    torch.manual_seed(0)
    plain, dropped = [scorer(vectors, lengths=[6], dropout=rate).logits for rate in (0.0, 0.5)]
    assert not torch.equal(plain, dropped)
    assert torch.equal(plain, scorer(vectors, lengths=[6]).logits)


def test_a_new_head_expects_hardly_any_span() -> None:
    torch.manual_seed(0)
    scorer = SpanScorer(WIDTH, N_LABELS, max_length=MAX_LENGTH)
    shares = torch.sigmoid(scorer(make_vectors([50]), lengths=[50]).logits.detach())
    assert 0.001 < float(shares.median()) < 0.05


@pytest.mark.parametrize("scoring", SCORINGS)
def test_grown_head_scores_old_labels_as_before(scoring: str) -> None:
    scorer, vectors = make_scorer(scoring), make_vectors([6])
    grown = make_scorer(scoring, n_labels=N_LABELS + 2)
    grown.copy_from(scorer)
    old, new = scorer(vectors, lengths=[6]).logits, grown(vectors, lengths=[6]).logits
    torch.testing.assert_close(new[:, :N_LABELS], old)


def list_losses(band: SpanBand, gold: set[tuple[int, int, int]], weight: float) -> list[float]:
    losses = []
    for start, column in torch.nonzero(band.is_span).tolist():
        for label in range(band.logits.shape[1]):
            logit = band.logits[start, label, column].detach().double()
            is_gold = (start, start + column + 1, label) in gold
            # -log p where the span is annotated, -log (1 - p) where it is not
            losses.append(float((1 + (-logit if is_gold else logit).exp()).log()))
            losses[-1] *= weight if is_gold else 1.0
    return losses


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_loss_equals_its_definition(weight: float) -> None:
    lengths, gold = [4, 2], {(0, 2, 0), (0, 2, 1), (1, 4, 2), (5, 6, 0)}
    band = make_scorer()(make_vectors(lengths), lengths=lengths)
    is_known = torch.ones(6, dtype=torch.bool)
    loss = span_loss(band, torch.tensor(sorted(gold)), is_known, positive_weight=weight)
    assert loss.item() == pytest.approx(sum(list_losses(band, gold, weight)) / 6, rel=1e-5)


def test_sequences_without_annotation_are_not_learned_from() -> None:
    lengths = [4, 3]
    vectors = make_vectors(lengths).requires_grad_()
    band = make_scorer()(vectors, lengths=lengths)
    is_known = torch.tensor([True] * 4 + [False] * 3)
    loss = span_loss(band, torch.tensor([[1, 3, 2]]), is_known)
    alone = make_scorer()(vectors[:4], lengths=[4])
    expected = span_loss(alone, torch.tensor([[1, 3, 2]]), is_known[:4])
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    assert vectors.grad is not None
    assert float(vectors.grad[:4].abs().sum()) > 0
    assert float(vectors.grad[4:].abs().sum()) == 0


def test_loss_of_nothing_known_is_zero_with_a_graph() -> None:
    vectors = make_vectors([3]).requires_grad_()
    band = make_scorer()(vectors, lengths=[3])
    no_spans = torch.zeros(0, 3, dtype=torch.int64)
    loss = span_loss(band, no_spans, torch.zeros(3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0.0
    assert vectors.grad is not None
    assert not vectors.grad.any()


@pytest.mark.parametrize("scoring", SCORINGS)
def test_gradients_are_those_of_the_scores(scoring: str) -> None:
    scorer, vectors = make_scorer(scoring).double(), make_vectors([2, 3]).double()
    vectors.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: scorer(x, lengths=[2, 3]).logits, vectors)


SPANS = np.array([[0, 2, 0], [0, 2, 1], [1, 3, 0], [2, 3, 1], [4, 5, 0]])
SCORES = np.array([0.6, 0.9, 0.8, 0.7, 0.5])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"max_labels": 1}, [1, 2, 3, 4]),
        ({"max_labels": 2}, [0, 1, 2, 3, 4]),
        ({"allow_overlap": False}, [1, 3, 4]),
        ({"allow_overlap": False, "max_labels": 1}, [1, 3, 4]),
    ],
    ids=str,
)
def test_selection(settings: dict[str, int], expected: list[int]) -> None:
    assert select_spans(SPANS, SCORES, **settings).tolist() == expected
    nothing = select_spans(SPANS[:0], SCORES[:0], **settings)
    assert nothing.tolist() == []


rows = st.tuples(st.integers(0, 6), st.integers(1, 3), st.integers(0, 2), st.floats(0, 1))


@given(st.lists(rows, max_size=12, unique_by=lambda row: row[:3]))
def test_what_is_selected_is_best(found: list[tuple[int, int, int, float]]) -> None:
    spans = np.array([(s, s + n, label) for s, n, label, _ in found]).reshape(-1, 3)
    scores = np.array([row[3] for row in found])
    kept = select_spans(spans, scores, allow_overlap=False)
    for i, (start, end, _) in enumerate(spans):
        rivals = [k for k in kept if spans[k][0] < end and start < spans[k][1]]
        assert rivals == [i] if i in kept else max(scores[rivals]) >= scores[i]
    firsts = select_spans(spans, scores, max_labels=1)
    for i, span in enumerate(spans):
        same = [k for k in firsts if (spans[k][:2] == span[:2]).all()]
        assert len(same) == 1
        assert scores[same[0]] >= scores[i]


def test_membership() -> None:
    assert contains_spans(SPANS[1:3], SPANS).tolist() == [False, True, True, False, False]
    assert contains_spans(SPANS[:0], SPANS).tolist() == [False] * 5
    assert contains_spans(SPANS, SPANS[:0]).tolist() == []


def test_spans_are_dealt_out_to_their_sequences() -> None:
    parts = split_spans(SPANS, SCORES, [0, 3, 0, 2, 0])
    assert [spans.tolist() for spans, _ in parts] == [
        [],
        [[0, 2, 0], [0, 2, 1], [1, 3, 0], [2, 3, 1]],
        [],
        [[1, 2, 0]],
        [],
    ]
    assert [scores.tolist() for _, scores in parts] == [[], [0.6, 0.9, 0.8, 0.7], [], [0.5], []]
    assert split_spans(SPANS[:0], SCORES[:0], []) == []
