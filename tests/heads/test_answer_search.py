"""The best answers of a text: what a search over all of them would find."""

import math
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_bert_plugin.heads import answer_search
from spacy_bert_plugin.heads.answer_search import find_answers, log_partition

# Whole numbers, so that sums are exact, and some tokens at which no answer may start or end.
SCORES = st.integers(0, 14).flatmap(
    lambda n: arrays(
        np.float64, (n, 2), elements=st.sampled_from([-math.inf, *map(float, range(-4, 5))])
    )
)


def list_all(borders: np.ndarray, max_tokens: int) -> dict[tuple[int, int], float]:
    scores = {
        (start, end): float(borders[start, 0] + borders[end - 1, 1])
        for start in range(len(borders))
        for end in range(start + 1, min(start + max_tokens, len(borders)) + 1)
    }
    return {span: score for span, score in scores.items() if score > -math.inf}


def search_apart(borders: np.ndarray, max_tokens: int, top_k: int) -> list[float]:
    scores, found = list_all(borders, max_tokens), []
    while scores and len(found) < top_k:
        best = max(scores, key=lambda span: (scores[span], -span[0], -span[1]))
        found.append(scores[best])
        scores = {s: v for s, v in scores.items() if s[1] <= best[0] or s[0] >= best[1]}
    return found


@given(SCORES, st.integers(1, 6), st.integers(1, 5), st.sampled_from([3, 2048]))
@settings(max_examples=150, deadline=None)
def test_it_finds_what_a_full_search_finds(
    borders: np.ndarray, max_tokens: int, top_k: int, block: int
) -> None:
    scores = list_all(borders, max_tokens)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answer_search, "BLOCK_ROWS", block)
        any_spans, any_scores = find_answers(
            borders, max_tokens=max_tokens, top_k=top_k, allow_overlap=True
        )
        spans, found = find_answers(borders, max_tokens=max_tokens, top_k=top_k)
        total = log_partition(borders, max_tokens=max_tokens, scale=0.5)
    assert any_scores.tolist() == sorted(scores.values(), reverse=True)[:top_k]
    assert [scores[tuple(span)] for span in any_spans.tolist()] == any_scores.tolist()
    assert len({tuple(span) for span in any_spans.tolist()}) == len(any_spans)
    assert [scores[tuple(span)] for span in spans.tolist()] == found.tolist()
    assert found.tolist() == search_apart(borders, max_tokens, top_k)
    taken = sorted(spans.tolist())
    assert all(one[1] <= other[0] for one, other in pairwise(taken))
    expected = math.log(sum(math.exp(v * 0.5) for v in scores.values())) if scores else -math.inf
    assert total == pytest.approx(expected)


def test_no_tokens_no_answers() -> None:
    for overlap in (False, True):
        spans, scores = find_answers(
            np.zeros((0, 2)), max_tokens=30, top_k=3, allow_overlap=overlap
        )
        assert spans.shape == (0, 2)
        assert scores.shape == (0,)
    assert log_partition(np.zeros((0, 2)), max_tokens=30) == -math.inf


def test_large_scores_do_not_overflow() -> None:
    borders = np.full((3, 2), 1e4)
    assert log_partition(borders, max_tokens=3) == pytest.approx(2e4 + math.log(6))


def test_a_long_context_takes_little_memory() -> None:
    n = 60_000
    borders = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    borders[59_000] = (20.0, 20.0)
    tracemalloc.start()
    spans, _ = find_answers(borders, max_tokens=30, top_k=2)
    log_partition(borders, max_tokens=30)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert spans[0].tolist() == [59_000, 59_001]
    # All answers together would be 14 MB, all pairs of tokens 29 GB.
    assert peak < 8e6
