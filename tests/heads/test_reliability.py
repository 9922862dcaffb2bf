import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.heads.calibration import expected_calibration_error
from spacy_bert_plugin.heads.reliability import bin_confidences

ANSWERS = st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), max_size=40)


@given(ANSWERS, st.integers(1, 20))
def test_the_bins_make_up_the_error(answers: list[tuple[float, bool]], n_bins: int) -> None:
    confidences, is_right = [c for c, _ in answers], [r for _, r in answers]
    error, bins = bin_confidences(confidences, is_right, n_bins=n_bins)
    whole = expected_calibration_error(confidences, is_right, n_bins=n_bins)
    assert error == pytest.approx(whole, abs=1e-12)
    gaps = sum(one.n * abs(one.confidence - one.share) for one in bins)
    assert error == pytest.approx(gaps / max(len(answers), 1), abs=1e-9)
    assert sum(one.n for one in bins) == len(answers)
    assert sum(one.n * one.share for one in bins) == pytest.approx(sum(is_right))
    assert [one.low for one in bins] == [i / n_bins for i in range(n_bins)]
    for one in bins:
        if one.n:
            assert one.low - 1e-9 <= one.confidence <= one.high + 1e-9


def test_borders_belong_to_the_bin_below() -> None:
    _, bins = bin_confidences([0.0, 0.5, 0.50001, 1.0], [True, False, True, True], n_bins=2)
    assert [(one.n, one.share) for one in bins] == [(2, 0.5), (2, 1.0)]
    assert bins[0].confidence == 0.25


def test_nothing_and_nonsense() -> None:
    error, bins = bin_confidences(np.zeros(0), np.zeros(0, dtype=bool))
    assert (error, {one.n for one in bins}, len(bins)) == (0.0, {0}, 15)
    with pytest.raises(SettingError, match="do not belong together"):
        bin_confidences([0.5], [True, False])
    with pytest.raises(SettingError, match="do not belong together"):
        bin_confidences([0.5], [True], n_bins=0)
