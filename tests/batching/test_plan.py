"""Batch plans: integers only."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.batching import plan_batches


def test_no_windows_need_no_batch() -> None:
    assert plan_batches(np.zeros(0, dtype=np.int64), 10) == []


def test_worked_example() -> None:
    plan = plan_batches(np.array([3, 7, 5, 5]), 10)
    assert [batch.tolist() for batch in plan] == [[1], [2, 3], [0]]


def test_window_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    assert [b.tolist() for b in plan_batches(np.array([4, 50, 4]), 10)] == [[1], [0, 2]]


@given(lengths=st.lists(st.integers(1, 60)), budget=st.integers(1, 100))
def test_every_window_is_in_one_batch_within_the_budget(lengths: list[int], budget: int) -> None:
    plan = plan_batches(np.array(lengths, dtype=np.int64), budget)
    assert sorted(int(w) for batch in plan for w in batch) == list(range(len(lengths)))
    ordered = [lengths[w] for batch in plan for w in batch]
    assert ordered == sorted(lengths, reverse=True)
    for batch in plan:
        assert len(batch) == 1 or sum(lengths[w] for w in batch) <= budget


def test_the_last_batches_of_several_lanes_are_small() -> None:
    lengths = np.full(100, 64)
    alone, shared = plan_batches(lengths, 1024), plan_batches(lengths, 1024, n_lanes=2)
    assert [len(batch) * 64 for batch in alone] == [1024] * 6 + [256]
    sizes = [len(batch) * 64 for batch in shared]
    assert sizes[:2] == [1024, 1024]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] <= 256
    assert sorted(np.concatenate(shared).tolist()) == list(range(100))


def test_a_budget_below_the_least_is_kept() -> None:
    plan = plan_batches(np.full(10, 8), 16, n_lanes=4)
    assert [len(batch) for batch in plan] == [2] * 5
