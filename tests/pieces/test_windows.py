"""Windows cover every piece once, fit the encoder, and give each token its best context."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.pieces import Alignment, Windows, check_windows, plan_windows, split_pieces


def make_alignment(docs: list[list[int]]) -> Alignment:
    """Docs as lists of the number of pieces of each token."""
    counts = np.array([c for doc in docs for c in doc], dtype=np.int64)
    return Alignment(
        np.cumsum(counts) - counts,
        counts,
        np.array([len(doc) for doc in docs], dtype=np.int64),
        np.array([sum(doc) for doc in docs], dtype=np.int64),
    )


def test_no_docs_have_no_windows() -> None:
    assert len(plan_windows(make_alignment([]), capacity=8, overlap=2)) == 0
    assert len(plan_windows(make_alignment([[], [0, 0]]), capacity=8, overlap=2)) == 0


def test_doc_that_fits_is_one_window_without_overlap() -> None:
    windows = plan_windows(make_alignment([[1, 2], [], [8]]), capacity=8, overlap=2)
    assert windows.starts.tolist() == windows.keep_starts.tolist() == [0, 3]
    assert windows.ends.tolist() == windows.keep_ends.tolist() == [3, 11]
    assert windows.docs.tolist() == [0, 2]


def test_worked_example() -> None:
    # 12 pieces, one a token; windows of 8 that share 4: the border lies in the middle of them.
    found = split_pieces(12, np.arange(12), np.array([0]), capacity=8, overlap=4)
    assert found == [(0, 8, 0, 6), (4, 12, 6, 12)]


def test_sentences_begin_windows_where_they_can() -> None:
    found = split_pieces(20, np.arange(20), np.array([0, 5, 12]), capacity=10, overlap=3)
    assert found[1][0] == 5


doc_strategy = st.lists(st.integers(0, 3) | st.integers(0, 40), max_size=60)


@given(
    docs=st.lists(doc_strategy, max_size=4),
    capacity=st.integers(6, 24),
    overlap=st.integers(0, 2),
    data=st.data(),
)
def test_windows_hold_together(
    docs: list[list[int]], capacity: int, overlap: int, data: st.DataObject
) -> None:
    alignment = make_alignment(docs)
    sentences = [
        np.array(sorted(data.draw(st.sets(st.integers(0, len(doc) - 1), max_size=4))), dtype=int)
        if doc
        else None
        for doc in docs
    ]
    windows = plan_windows(alignment, capacity=capacity, overlap=overlap, sentence_starts=sentences)
    n_pieces = int(alignment.doc_pieces.sum())
    kept = [
        piece
        for start, end in zip(windows.keep_starts, windows.keep_ends, strict=True)
        for piece in range(start, end)
    ]
    assert kept == list(range(n_pieces))  # each piece once, in order: nothing is cut off
    assert np.all(windows.lengths <= capacity)
    assert np.all(windows.lengths > 0)
    assert np.all(windows.starts <= windows.keep_starts)
    assert np.all(windows.keep_ends <= windows.ends)
    check_tokens_are_whole(alignment, windows, capacity)


def check_tokens_are_whole(alignment: Alignment, windows: Windows, capacity: int) -> None:
    """A token is read from one window unless words as long as half a window are about."""
    if alignment.counts.max(initial=0) > capacity // 4:
        return
    owner = np.repeat(np.arange(len(windows)), windows.keep_ends - windows.keep_starts)
    for first, count in zip(alignment.firsts, alignment.counts, strict=True):
        assert len(set(owner[first : first + count].tolist())) <= 1


def test_one_word_longer_than_a_window_spans_several() -> None:
    windows = plan_windows(make_alignment([[1, 100, 1]]), capacity=10, overlap=2)
    assert len(windows) > 10
    assert windows.keep_ends[-1] == 102


def test_windows_of_a_long_doc_are_few() -> None:
    windows = plan_windows(make_alignment([[1] * 100_000]), capacity=510, overlap=64)
    assert len(windows) <= 100_000 / (510 - 64 - 32) + 1


@pytest.mark.parametrize(("max_pieces", "overlap"), [(4, 64), (0, 0), (2, 0), (100, -1), (131, 64)])
def test_sizes_that_cannot_work_are_refused(max_pieces: int, overlap: int) -> None:
    with pytest.raises(SettingError, match="max_pieces"):
        check_windows(max_pieces, overlap, 2)


def test_sizes_that_work_pass() -> None:
    assert check_windows(132, 64, 2) is None
