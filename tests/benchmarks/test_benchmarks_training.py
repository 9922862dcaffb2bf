"""Batches and turns of the speed benchmark."""

import random
from pathlib import Path
from typing import Any

import pytest
import rounds
import training_systems
from spread import compare, show_ratio
from texts import tagged_sentences
from training_batches import cut_batches, join_sentences


def make_sentences(lengths: list[int]) -> list[Any]:
    return [([f"w{number}"] * n, ["O"] * n) for number, n in enumerate(lengths)]


def test_sentences_end_at_lines_of_white_space(tmp_path: Path) -> None:
    path = tmp_path / "some.conll"
    path.write_text("a\tO\nb\tB-x,B-y\n\t\nc\tO\n\n\t\n\nd\tI-x \n", encoding="utf8")
    expected = [(["a", "b"], ["O", "B-x"]), (["c"], ["O"]), (["d"], ["I-x"])]
    assert tagged_sentences(path) == expected


def test_batches_are_full_and_sorted_within() -> None:
    sentences = make_sentences([5, 1, 4, 2, 3, 9, 7, 8])
    batches = cut_batches(sentences, batch_words=6, buffer=8, rng=random.Random(0))
    lengths = sorted([len(words) for words, _ in batch] for batch in batches)
    assert lengths == [[1, 2, 3], [4, 5], [7], [8], [9]]
    assert cut_batches([], batch_words=6, buffer=8, rng=random.Random(0)) == []


def test_sentences_are_joined_to_docs() -> None:
    sentences = make_sentences([2, 2, 2, 2, 1])
    joined = list(join_sentences(sentences, doc_words=4))
    assert [len(words) for words, _ in joined] == [4, 4, 1]
    assert joined[0] == (["w0", "w0", "w1", "w1"], ["O"] * 4)
    assert list(join_sentences(sentences, doc_words=0)) == sentences
    assert list(join_sentences([], doc_words=4)) == []


def test_systems_are_compared_with_what_was_measured() -> None:
    rates = {"a": [2.0, 2.0], "b": [1.0, 1.0]}
    ratios = compare(rates, {"a": "b", "b": "missing"})
    assert list(ratios) == ["a"]
    assert show_ratio(ratios["a"]) == "2.00 (2.00 to 2.00)"
    assert show_ratio(ratios.get("b")) == ""


def test_every_system_can_be_started() -> None:
    for target, kind, precision in training_systems.SYSTEMS.values():
        module, _, function = target.partition(":")
        assert module == "training_systems"
        assert callable(getattr(training_systems, function))
        assert kind in ("ours", "theirs", "bound")
        assert precision in training_systems.BARE


def test_a_system_that_fails_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    started = []

    def turn(target: str, settings: Any, *, threads: int, log: Path) -> dict[str, float]:
        started.append(target)
        if target == "m:bad":
            raise SystemExit("a trace\nthe reason")
        return {"seconds": 1.5, "result": 0.0}

    monkeypatch.setattr(rounds, "_take_fresh_turn", turn)
    targets: dict[str, Any] = {"good": ("m:good", {}), "bad": ("m:bad", {})}
    turns, failed = rounds.take_fresh_turns(targets, threads=1, folder=tmp_path, n_rounds=2)
    assert started == ["m:good", "m:bad", "m:good"]
    assert [turn["seconds"] for turn in turns["good"]] == [1.5, 1.5]
    assert failed == {"bad": "a trace\nthe reason"}
    assert "bad failed: the reason" in capsys.readouterr().out
