"""The order in which sequences are walked."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.heads.steps import plan_steps


def test_worked_example() -> None:
    steps = plan_steps(np.array([2, 3, 1]))
    assert steps.order.tolist() == [1, 0, 2]
    assert steps.rows.tolist() == [2, 0, 5, 3, 1, 4]
    assert steps.sizes == [3, 2, 1]
    assert plan_steps(np.array([2, 3, 1]), is_reversed=True).rows.tolist() == [4, 1, 5, 3, 0, 2]


def test_nothing() -> None:
    for counts in ([], [0, 0]):
        steps = plan_steps(np.array(counts, dtype=np.int64))
        assert steps.sizes == []
        assert steps.rows.tolist() == []


@given(st.lists(st.integers(0, 9), max_size=9), st.booleans())
def test_every_sequence_is_walked_token_by_token(lengths: list[int], is_reversed: bool) -> None:
    steps = plan_steps(np.array(lengths, dtype=np.int64), is_reversed=is_reversed)
    owners = np.repeat(np.arange(len(lengths)), lengths)
    walked: dict[int, list[int]] = {i: [] for i in range(len(lengths))}
    end = 0
    for size in steps.sizes:
        rows = steps.rows[end : end + size]
        # In each step the first sequences of the order, one token each.
        assert owners[rows].tolist() == steps.order[:size].tolist()
        for row in rows.tolist():
            walked[owners[row]].append(row)
        end += size
    for sequence, rows in walked.items():
        wanted = np.flatnonzero(owners == sequence).tolist()
        assert rows == (wanted[::-1] if is_reversed else wanted)
