"""Correlations, against values worked out by hand and by SciPy 1.15."""

import math

import pytest

from spacy_bert_plugin.heads.correlation import pearson, rank, spearman


def test_equal_numbers_share_their_ranks() -> None:
    assert rank([10.0, 20.0, 20.0, 5.0, 20.0]).tolist() == [2.0, 4.0, 4.0, 1.0, 4.0]


def test_known_values() -> None:
    # 6 pairs; sums by hand: 35 / sqrt(17.5 * 70) and the same of the ranks.
    assert pearson([1, 2, 3, 4, 5, 6], [2, 4, 6, 8, 10, 12]) == pytest.approx(1.0)
    assert pearson([1, 2, 3], [3, 1, 2]) == pytest.approx(-0.5)
    assert spearman([1, 2, 3, 4], [1, 4, 9, 16]) == pytest.approx(1.0)
    assert spearman([1, 2, 2, 3], [1, 3, 2, 4]) == pytest.approx(0.9486832980505138)
    assert spearman([3, 2, 1], [1, 5, 9]) == pytest.approx(-1.0)


def test_what_does_not_vary_has_no_correlation() -> None:
    assert all(
        math.isnan(v) for v in (pearson([1, 1], [1, 2]), spearman([], []), pearson([1], [1]))
    )
