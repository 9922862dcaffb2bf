"""Medians with their spread: what can be said from a few interleaved rounds.

Efron (1979), "Bootstrap methods", https://doi.org/10.1214/aos/1176344552
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True)
class Spread:
    """A median, its extremes and a 95 % interval."""

    median: float
    low: float
    high: float
    minimum: float
    maximum: float

    def to_json(self) -> dict[str, float]:
        """The numbers with four significant digits."""
        return {key: float(f"{value:.4g}") for key, value in asdict(self).items()}


def spread_of(values: Sequence[float], *, seed: int = 0, n_draws: int = 10_000) -> Spread:
    """Median of rounds with a bootstrap interval of that median.

    values (Sequence[float]): One of each round, at least one.
    """
    array = np.asarray(values, dtype="float64")
    medians = np.median(array[_draw(len(values), seed=seed, n_draws=n_draws)], axis=1)
    return _make_spread(array, float(np.median(array)), medians)


def ratio_of(
    ours: Sequence[float], theirs: Sequence[float], *, seed: int = 0, n_draws: int = 10_000
) -> Spread:
    """Ratio of two medians; rounds are drawn as pairs, since both ran in the same minute.

    ours, theirs (Sequence[float]): One of each round, as many of one as of the other.
    """
    top, bottom = np.asarray(ours, dtype="float64"), np.asarray(theirs, dtype="float64")
    draws = _draw(len(ours), seed=seed, n_draws=n_draws)
    medians = np.median(top[draws], axis=1) / np.median(bottom[draws], axis=1)
    return _make_spread(top / bottom, float(np.median(top) / np.median(bottom)), medians)


def compare(
    rates: Mapping[str, Sequence[float]], baselines: Mapping[str, str]
) -> dict[str, Spread]:
    """How many times as fast each system is as its baseline, where that was measured.

    baselines (Mapping): The baseline's name, by system; one without an entry is left out.
    """
    return {
        name: ratio_of(values, rates[baselines[name]])
        for name, values in rates.items()
        if baselines.get(name) in rates
    }


def show_ratio(ratio: Spread | None) -> str:
    """`median (interval)`, or nothing."""
    return f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})" if ratio else ""


def _draw(n_rounds: int, *, seed: int, n_draws: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, n_rounds, size=(n_draws, n_rounds))


def _make_spread(rounds: FloatArray, median: float, medians: FloatArray) -> Spread:
    low, high = np.percentile(medians, INTERVAL)
    return Spread(median, float(low), float(high), float(rounds.min()), float(rounds.max()))
