"""Medians with intervals."""

import pytest

from spacy_bert_plugin.cli.measure.spread import compare, ratio_of, show_ratio, spread_of


def test_interval_lies_within_the_extremes_and_around_the_median() -> None:
    spread = spread_of([5.0, 1.0, 2.0, 3.0, 4.0])
    assert (spread.median, spread.minimum, spread.maximum) == (3.0, 1.0, 5.0)
    assert 1.0 <= spread.low < 3.0 < spread.high <= 5.0
    assert spread_of([5.0, 1.0, 2.0, 3.0, 4.0]) == spread


def test_one_round_has_no_spread() -> None:
    spread = spread_of([7.0])
    assert {spread.low, spread.high, spread.minimum, spread.maximum} == {7.0}


def test_many_equal_rounds_make_the_interval_narrow() -> None:
    wide, narrow = spread_of([1.0, 2.0, 3.0]), spread_of([1.0, *[2.0] * 30, 3.0])
    assert wide.high - wide.low > narrow.high - narrow.low == 0.0


def test_ratio_pairs_rounds_that_ran_together() -> None:
    slow_minute = ratio_of([20.0, 10.0, 20.0], [10.0, 5.0, 10.0])
    assert (slow_minute.median, slow_minute.minimum, slow_minute.maximum) == (2.0, 2.0, 2.0)


def test_systems_are_compared_with_what_was_measured() -> None:
    rates = {"a": [4.0], "b": [2.0], "c": [1.0]}
    ratios = compare(rates, {"a": "b", "b": "missing"})
    assert list(ratios) == ["a"]
    assert show_ratio(ratios["a"]) == "2.00 (2.00 to 2.00)"
    assert show_ratio(None) == ""
    assert compare({}, {}) == {}


def test_json_has_four_digits() -> None:
    assert spread_of([12345.678]).to_json()["median"] == pytest.approx(12350.0)
