"""Learning rates: warm-up, then down or level."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.training.schedules import SHAPES, build_warmup_v1


@pytest.mark.parametrize(
    ("shape", "rates"),
    [
        ("linear", [0.0, 0.5, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]),
        ("constant", [0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ("cosine", [0.0, 0.5, 1.0, 0.8535534, 0.5, 0.1464466, 0.0, 0.0]),
    ],
)
def test_worked_example(shape: str, rates: list[float]) -> None:
    schedule = build_warmup_v1(1.0, 6, warmup=2, shape=shape)
    assert list(islice(schedule, 8)) == pytest.approx(rates)


def test_share_and_steps_of_warmup_are_the_same() -> None:
    share, steps = build_warmup_v1(1e-4, 200, warmup=0.1), build_warmup_v1(1e-4, 200, warmup=20)
    assert list(islice(share, 220)) == list(islice(steps, 220))


def test_it_ends_where_it_is_told_to() -> None:
    rates = list(islice(build_warmup_v1(1.0, 10, warmup=0, final_rate=0.25), 12))
    assert rates[10:] == pytest.approx([0.25, 0.25])


@given(st.sampled_from(SHAPES), st.integers(2, 500), st.floats(0.0, 0.4))
def test_rate_stays_between_zero_and_the_highest(shape: str, total: int, warmup: float) -> None:
    rates = list(islice(build_warmup_v1(3e-4, total, warmup=warmup, shape=shape), 600))
    assert 0.0 <= min(rates) <= max(rates) <= 3e-4


@pytest.mark.parametrize(
    "settings",
    [
        {"initial_rate": -1.0},
        {"final_rate": 2.0},
        {"total_steps": 0},
        {"warmup": 10},
        {"warmup": -0.1},
        {"warmup": 2.5},
        {"shape": "step"},
    ],
)
def test_impossible_settings_are_errors(settings: dict[str, object]) -> None:
    values = {"initial_rate": 1.0, "total_steps": 10, **settings}
    with pytest.raises(SettingError, match=next(iter(settings))):
        build_warmup_v1(**values)  # type: ignore[arg-type]
