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
