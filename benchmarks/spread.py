"""Medians with their spread: what can be said from a few interleaved rounds."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np


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


def spread_of(values: list[float], *, seed: int = 0, n_draws: int = 10_000) -> Spread:
    """Median of rounds with a bootstrap interval of that median."""
    array = np.asarray(values, dtype="float64")
    medians = np.median(array[_draws(len(values), seed=seed, n_draws=n_draws)], axis=1)
    return _spread(array, float(np.median(array)), medians)


def ratio_of(
    ours: list[float], theirs: list[float], *, seed: int = 0, n_draws: int = 10_000
) -> Spread:
    """Ratio of two medians; rounds are drawn as pairs, since both ran in the same minute."""
    top, bottom = np.asarray(ours, dtype="float64"), np.asarray(theirs, dtype="float64")
    draws = _draws(len(ours), seed=seed, n_draws=n_draws)
    medians = np.median(top[draws], axis=1) / np.median(bottom[draws], axis=1)
    return _spread(top / bottom, float(np.median(top) / np.median(bottom)), medians)


def compare(rates: dict[str, list[float]], baselines: dict[str, str]) -> dict[str, Spread]:
    """How many times as fast each system is as its baseline, where that was measured."""
    return {
        name: ratio_of(values, rates[baselines[name]])
        for name, values in rates.items()
        if baselines[name] in rates
    }


def show_ratio(ratio: Spread | None) -> str:
    """`median (interval)`, or nothing."""
    return f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})" if ratio else ""


def _draws(n_rounds: int, *, seed: int, n_draws: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, n_rounds, size=(n_draws, n_rounds))


def _spread(rounds: np.ndarray, median: float, medians: np.ndarray) -> Spread:
    low, high = np.percentile(medians, [2.5, 97.5])
    return Spread(median, float(low), float(high), float(rounds.min()), float(rounds.max()))
