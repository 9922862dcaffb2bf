"""Systems side by side, from processes to numbers."""

from pathlib import Path
from typing import Any

import pytest

from spacy_bert_plugin.cli.measure.benchmark import (
    Options,
    System,
    count_passes,
    count_steps,
    pick_spread,
    run_benchmark,
)
from spacy_bert_plugin.cli.measure.result import Measured, Result, Turn
from spacy_bert_plugin.cli.measure.rounds import take_turns
from spacy_bert_plugin.errors import WorkerError

HERE = Path(__file__).parent


def make_system(name: str, **settings: Any) -> System:
    return System(name, "fake_systems:Sleeper", settings, batch_size=1, folder=HERE)


def test_turns_are_interleaved_and_warm_ups_do_not_count() -> None:
    order: list[str] = []
    told: list[tuple[int, str, int]] = []

    def turn(name: str) -> int:
        order.append(name)
        return len(order)

    turns = {"a": lambda: turn("a"), "b": lambda: turn("b")}
    found = take_turns(turns, n_rounds=2, n_warm_up=1, on_turn=lambda *x: told.append(x))
    assert order == ["a", "b"] * 3
    assert found == {"a": [3, 5], "b": [4, 6]}
    assert [number for number, _, _ in told] == [0, 0, 1, 1, 2, 2]
    assert take_turns({}, n_rounds=2) == {}


def test_systems_in_processes() -> None:
    steps: list[int] = []
    options = Options(n_rounds=2, min_batches=4, n_singles=2)
    systems = [make_system("a"), make_system("b")]
    result = run_benchmark(
        systems, ["x", "y"], options, progress=lambda what, n_steps: steps.append(n_steps)
    )
    first, second = result.systems
    assert (first.name, first.n_passes, len(first.turns)) == ("a", 2, 2)
    assert all(turn.seconds >= 0.008 and len(turn.singles) == 2 for turn in second.turns)
    assert first.components is None
    assert (first.memory["peak_bytes"] or 0) >= (first.loaded_bytes or 0) > 2**20
    assert (result.n_texts, result.n_words, result.n_pieces) == (2, 0, None)
    # Nothing is compared here, so those steps are passed all the same.
    assert sum(steps) == count_steps(2, options)


def test_a_system_that_fails_ends_it_or_is_named() -> None:
    options = Options(n_rounds=1, min_batches=1, n_singles=1)
    systems = [make_system("a"), make_system("bad", fails="load"), make_system("c", fails="exit")]
    with pytest.raises(WorkerError, match="bad failed to load"):
        run_benchmark(systems, ["x"], options)
    result = run_benchmark(systems, ["x"], options, is_strict=False)
    assert [system.name for system in result.systems] == ["a"]
    assert list(result.failed) == ["bad", "c"]
    assert "no such model" in result.failed["bad"]
    nothing = run_benchmark(systems[1:], ["x"], options, is_strict=False)
    assert nothing.summarise() == []


def make_measured(name: str, seconds: float, **known: Any) -> Measured:
    turns = [Turn(seconds, [0.001, 0.002, 0.003]), Turn(seconds, [0.002, 0.002, 0.002])]
    return Measured(name, batch_size=4, n_passes=3, load_seconds=1.0, turns=turns, **known)


def test_numbers() -> None:
    memory = {"peak_bytes": 3 * 2**20, "gpu_peak_bytes": None}
    systems = [make_measured("a", 2.0, memory=memory), make_measured("b", 1.0)]
    first, second = Result(systems, {}, n_texts=10, n_words=100, n_pieces=120).summarise()
    assert (first.words.median, second.words.median) == (150.0, 300.0)
    assert second.pieces is not None
    assert second.pieces.median == 360.0
    assert (first.ratio.median, second.ratio.median) == (1.0, 2.0)
    assert first.p50.median == pytest.approx(2.0)
    assert first.p95.maximum == pytest.approx(2.9)
    assert first.n_batches == 8
    assert (first.peak_mib, first.gpu_peak_mib, second.peak_mib) == (3.0, None, None)
    stored = second.to_json()
    assert stored["words_per_second_by_round"] == [300.0, 300.0]
    assert stored["agreement"] is None
    assert Result(systems, {}, 10, 100, None).summarise()[0].to_json()["pieces_per_second"] is None


def test_passes_and_single_texts() -> None:
    assert count_passes(600, 64, 20) == 3
    assert count_passes(600, 1, 20) == 1
    assert count_passes(1, 1, 20) == 20
    assert pick_spread(["a", "b", "c", "d"], 2) == ["a", "c"]
    assert pick_spread(["a"], 5) == ["a"]
    assert pick_spread([], 5) == []
