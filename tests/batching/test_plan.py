"""Batch plans: integers only."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.batching import plan_batches, run_batches


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


class Device:
    """Runs batches of at most `room` windows and remembers which windows ran."""

    def __init__(self, room: int) -> None:
        self.room, self.ran, self.n_failed = room, [], 0  # type: ignore[var-annotated]

    def prepare(self, batches):  # type: ignore[no-untyped-def]
        def run(number: int) -> None:
            if len(batches[number]) > self.room:
                self.n_failed += 1
                raise torch.OutOfMemoryError("no room")
            self.ran.extend(batches[number].tolist())

        return run


@pytest.mark.parametrize("room", [1, 2, 3, 100])
def test_batches_that_do_not_fit_are_halved_until_they_do(room: int) -> None:
    device = Device(room)
    run_batches([np.arange(9), np.arange(9, 11)], device.prepare)
    assert sorted(device.ran) == list(range(11))  # each once
    assert (device.n_failed > 0) == (room < 9)


def test_window_that_does_not_fit_alone_is_an_error() -> None:
    device = Device(0)
    with pytest.raises(torch.OutOfMemoryError):
        run_batches([np.arange(4)], device.prepare)


def test_no_batches_run_nothing() -> None:
    device = Device(1)
    run_batches([], device.prepare)
    assert device.ran == []
