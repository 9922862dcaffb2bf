"""Packed arrays, and the way back to tokens."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.pieces import fill_up, map_rows, pack_windows, plan_windows
from spacy_bert_plugin.pieces.pack import PackedWindows
from tests.pieces.test_windows import doc_strategy, make_alignment

PREFIX, SUFFIX = [-1], [-2]


def test_worked_example() -> None:
    alignment = make_alignment([[1, 2], [2]])
    windows = plan_windows(alignment, capacity=8, overlap=0)
    packed = pack_windows(
        np.array([10, 11, 12, 20, 21]), windows, np.array([1, 0]), prefix=PREFIX, suffix=SUFFIX
    )
    assert packed.ids.tolist() == [-1, 20, 21, -2, -1, 10, 11, 12, -2]
    assert packed.positions.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 4]
    assert packed.lengths == (4, 5)


def test_no_windows() -> None:
    windows = plan_windows(make_alignment([]), capacity=8, overlap=0)
    none = np.zeros(0, dtype=np.int64)
    assert pack_windows(none, windows, none, prefix=PREFIX, suffix=SUFFIX).lengths == ()
    assert map_rows(make_alignment([]), windows, [], n_prefix=1, n_special=2) == []


@given(docs=st.lists(doc_strategy, max_size=4), data=st.data())
def test_tokens_are_the_mean_of_their_own_pieces(
    docs: list[list[int]], data: st.DataObject
) -> None:
    # Every packed row holds the number of its piece, so a token's mean names its origin.
    alignment = make_alignment(docs)
    windows = plan_windows(alignment, capacity=10, overlap=2)
    order = np.array(data.draw(st.permutations(range(len(windows)))), dtype=np.int64)
    cut = data.draw(st.integers(0, len(windows)))
    batches = [part for part in (order[:cut], order[cut:]) if len(part)]
    ids = np.arange(int(alignment.doc_pieces.sum()))
    found = np.zeros(len(alignment.counts))
    total = np.zeros(len(alignment.counts))
    mapped = map_rows(alignment, windows, batches, n_prefix=1, n_special=2)
    assert len(mapped) == len(batches)
    for chosen, rows in zip(batches, mapped, strict=True):
        packed = pack_windows(ids, windows, chosen, prefix=PREFIX, suffix=SUFFIX)
        lengths = np.diff(rows.offsets, append=len(rows.rows))
        owners = np.repeat(rows.tokens, lengths)
        np.add.at(found, owners, packed.ids[rows.rows] * rows.weights)
        np.add.at(total, owners, rows.weights)
    has_pieces = alignment.counts > 0
    expected = alignment.firsts + (alignment.counts - 1) / 2
    np.testing.assert_allclose(found[has_pieces], expected[has_pieces], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(total, has_pieces, rtol=1e-5)


def test_windows_in_no_batch_are_left_out() -> None:
    alignment = make_alignment([[1], [1], [1]])
    windows = plan_windows(alignment, capacity=4, overlap=0)
    (rows,) = map_rows(alignment, windows, [np.array([2])], n_prefix=1, n_special=2)
    assert rows.tokens.tolist() == [2]
    assert rows.rows.tolist() == [1]


@pytest.mark.parametrize("step", [1, 4, 16])
def test_filling_up_adds_windows_of_one_piece(step: int) -> None:
    packed = PackedWindows(np.array([5, 6, 7, 8]), np.array([0, 1, 2, 0]), (3, 1))
    full = fill_up(packed, step)
    n_added = -4 % step
    assert full.ids.tolist() == [5, 6, 7, 8] + [0] * n_added
    assert full.positions.tolist() == [0, 1, 2, 0] + [0] * n_added
    assert full.lengths == (3, 1) + (1,) * n_added
    empty = PackedWindows(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), ())
    assert fill_up(empty, step).lengths == ()
