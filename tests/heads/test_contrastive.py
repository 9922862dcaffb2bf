"""Losses over groups of texts, against formulas written out."""

import math

import pytest
import torch
import torch.nn.functional as F

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.heads.contrastive import (
    TextGroups,
    build_cosine_loss_v1,
    build_in_batch_negatives_v1,
    build_triplet_loss_v1,
)
from spacy_bert_plugin.heads.embeddings import TextEmbedder, compare_all, find_ranks


def make_groups(
    counts: list[int], scores: list[float | None] | None = None, texts: list[str] | None = None
) -> TextGroups:
    torch.manual_seed(0)
    n = sum(counts)
    vectors = torch.randn(n, 5, requires_grad=True)
    names = texts or [f"text {i}" for i in range(n)]
    return TextGroups(vectors, counts, scores or [None] * len(counts), names)


def test_in_batch_negatives_is_the_softmax_over_all_second_texts() -> None:
    groups = make_groups([2, 2, 2])
    vectors = groups.vectors.detach()
    scores = 20.0 * F.cosine_similarity(vectors[0::2, None], vectors[None, 1::2], -1)
    expected = -sum(math.log(scores.softmax(1)[i, i]) for i in range(3)) / 3
    assert build_in_batch_negatives_v1()(groups).item() == pytest.approx(expected, abs=1e-5)
    both = build_in_batch_negatives_v1(both_ways=True)(groups).item()
    back = -sum(math.log(scores.softmax(0)[i, i]) for i in range(3)) / 3
    assert both == pytest.approx((expected + back) / 2, abs=1e-5)


def test_third_texts_and_pairs_that_do_not_belong_together_are_negatives() -> None:
    groups = make_groups([2, 3, 2, 1], [None, 1.0, 0.0, None])
    v = groups.vectors.detach()
    candidates = v[[1, 3, 4, 6]]  # the right ones of both, the third text, the wrong pair's second
    scores = 5.0 * compare_all(v[[0, 2]], candidates)
    expected = F.cross_entropy(scores, torch.tensor([0, 1])).item()
    assert build_in_batch_negatives_v1(scale=5.0)(groups).item() == pytest.approx(expected)


def test_a_text_that_is_the_right_one_does_not_count_against_it() -> None:
    same = make_groups([2, 2, 2], texts=["a", "yes", "b", "yes", "c", "no"])
    scores = 20.0 * compare_all(same.vectors.detach()[[0, 2, 4]], same.vectors.detach()[[1, 3, 5]])
    scores[0, 1] = scores[1, 0] = -math.inf
    expected = F.cross_entropy(scores, torch.arange(3)).item()
    assert build_in_batch_negatives_v1()(same).item() == pytest.approx(expected)


def test_cosine_loss_is_the_squared_difference_to_the_gold_score() -> None:
    groups = make_groups([2, 2, 3], [0.8, None, -0.5])
    v = groups.vectors.detach()
    cosines = F.cosine_similarity(v[[0, 4]], v[[1, 5]])
    expected = ((cosines - torch.tensor([0.8, -0.5])) ** 2).mean().item()
    assert build_cosine_loss_v1()(groups).item() == pytest.approx(expected)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_triplet_loss_wants_the_third_further_away(distance: str) -> None:
    groups = make_groups([3, 2, 4])
    v = groups.vectors.detach()
    total = 0.0
    for a, p, n in ((0, 1, 2), (5, 6, 7), (5, 6, 8)):
        if distance == "cosine":
            near, far = (1 - F.cosine_similarity(v[a], v[i], 0).item() for i in (p, n))
        else:
            near, far = ((v[a] - v[i]).norm().item() for i in (p, n))
        total += max(0.0, near - far + 0.7)
    loss = build_triplet_loss_v1(margin=0.7, distance=distance)(groups)
    assert loss.item() == pytest.approx(total / 3, abs=1e-5)


LOSSES = {
    "in batch": build_in_batch_negatives_v1(),
    "cosine": build_cosine_loss_v1(),
    "triplet": build_triplet_loss_v1(),
}


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_to_learn_from_is_no_loss(name: str) -> None:
    groups = make_groups([1, 1])
    loss = LOSSES[name](groups)
    loss.backward()
    assert loss.item() == 0.0
    assert groups.vectors.grad is not None
    assert not groups.vectors.grad.any()


@pytest.mark.parametrize(
    ("build", "settings"),
    [
        (build_in_batch_negatives_v1, {"scale": 0.0}),
        (build_in_batch_negatives_v1, {"scale": math.nan}),
        (build_triplet_loss_v1, {"margin": -1.0}),
        (build_triplet_loss_v1, {"distance": "manhattan"}),
    ],
)
def test_impossible_settings_are_errors(build, settings) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SettingError, match=next(iter(settings))):
        build(**settings)


def test_embedder_pools_tokens_by_text_and_takes_pooled_vectors_as_they_are() -> None:
    tokens = torch.arange(12.0).reshape(6, 2)
    module = TextEmbedder(2, normalize=False)
    by_token = module(tokens, lengths=[4, 0, 2], text_tokens=[[1, 3], [0], [2]])
    expected = torch.stack([tokens[0], tokens[1:4].mean(0), torch.zeros(2), tokens[4:6].mean(0)])
    assert torch.equal(by_token, expected)
    pooled = module(tokens[:3], lengths=[2, 1], text_tokens=[[1, 3], [2]])
    assert torch.equal(pooled, tokens[:3])
    assert module(tokens[:0], lengths=[], text_tokens=[]).shape == (0, 2)


def test_embedder_projects_and_normalizes() -> None:
    torch.manual_seed(0)
    module = TextEmbedder(3, dense_width=4, activation="tanh")
    vectors = torch.randn(2, 3)
    found = module(vectors, lengths=[1, 1], text_tokens=[[1], [1]])
    expected = F.normalize(torch.tanh(module.dense(vectors)), dim=1)
    assert torch.allclose(found, expected)
    assert TextEmbedder(3)(torch.zeros(1, 3), lengths=[1], text_tokens=[[0]]).tolist() == [
        [0.0] * 3
    ]


def test_ranks_count_equals_as_before() -> None:
    similarities = torch.tensor([[0.9, 0.1, 0.5], [0.2, 0.2, 0.2], [0.0, 1.0, 0.3]])
    assert find_ranks(similarities, [0, 1, 2]) == [1, 3, 2]
    assert find_ranks(similarities[:0], []) == []
