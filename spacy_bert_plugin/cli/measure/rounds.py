"""Rounds in which systems take turns: A B C, A B C, ...

Only one works at a time, and what disturbs the machine for a minute disturbs them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")
# Told after each turn: number of the round (0 and below: warm-up), system, what came of it.
OnTurnT = Callable[[int, str, T], None]


def take_turns(
    turns: Mapping[str, Callable[[], T]],
    *,
    n_rounds: int,
    n_warm_up: int = 1,
    on_turn: OnTurnT[T] | None = None,
) -> dict[str, list[T]]:
    """Give every system a turn in every round.

    turns (Mapping): What a turn of each system is.
    n_rounds (int): Rounds that count.
    n_warm_up (int): Rounds before them that do not.
    RETURNS (dict): What came of each turn that counts, by system.
    """
    results: dict[str, list[T]] = {name: [] for name in turns}
    for number in range(1 - n_warm_up, n_rounds + 1):
        for name, turn in turns.items():
            result = turn()
            if number > 0:
                results[name].append(result)
            if on_turn is not None:
                on_turn(number, name, result)
    return results
