"""What the benchmarks of start-up and memory do when a process fails, hangs or grows."""

import argparse
import importlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SETTINGS = {"system": "ours", "series": "stream", "size": 10, "path": "", "data_dir": ""}
LIMITS = argparse.Namespace(threads=1, limit_seconds=20.0, limit_mib=4000.0)
LINE = {
    "loading": 9.0,
    "before": 5.0,
    "done": 4,
    "tokens": 40,
    "resident": 6.0,
    "peak": 7.0,
    "seconds": 1.0,
}


@pytest.fixture
def memory() -> ModuleType:
    pytest.importorskip("matplotlib")
    return importlib.import_module("memory")


@pytest.fixture
def startup() -> ModuleType:
    pytest.importorskip("matplotlib")
    return importlib.import_module("startup")


def run_script(
    memory: ModuleType, monkeypatch: pytest.MonkeyPatch, folder: Path, script: str, **limits: float
) -> dict[str, Any]:
    (folder / "memory_turn.py").write_text(f"import sys, time\n{script}\n")
    monkeypatch.setattr(memory, "FOLDER", folder)
    monkeypatch.setattr(memory, "POLL_SECONDS", 0.02)
    found: dict[str, Any] = memory.measure(
        SETTINGS, folder / "log.txt", argparse.Namespace(**{**vars(LIMITS), **limits})
    )
    return found


def tell(**changes: float) -> str:
    return f"print({json.dumps({**LINE, **changes})!r}, flush=True)"


def test_a_process_that_ends_by_itself(
    memory: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f"{tell()}; {tell(done=10, peak=5000.0)}"
    row = run_script(memory, monkeypatch, tmp_path, script)
    assert row["end"] == "done"
    assert (row["done"], row["peak_mib"], row["growth_mib"]) == (10, 5000.0, 4995.0)
    assert memory.row_of(row)[-1] == "done"


def test_a_process_that_takes_too_long_is_ended(
    memory: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f"{tell()}; time.sleep(60)"
    row = run_script(memory, monkeypatch, tmp_path, script, limit_seconds=1.0)
    assert row["end"] == "ended after 1 s"
    assert memory.row_of(row)[-1] == "ended after 1 s, 4 texts done"


def test_a_process_that_takes_too_much_is_ended(
    memory: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f"{tell()}; x = b'1' * 90_000_000; time.sleep(60)"
    row = run_script(memory, monkeypatch, tmp_path, script, limit_mib=80.0)
    assert row["end"] == "ended at 80 MiB"
    assert row["peak_mib"] > 80.0


def test_a_process_that_dies_says_why(
    memory: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f"{tell()}; raise MemoryError('no room')"
    row = run_script(memory, monkeypatch, tmp_path, script)
    assert row["end"] == "died with 1: MemoryError: no room"
    with pytest.raises(SystemExit, match="nothing told"):
        run_script(memory, monkeypatch, tmp_path, "raise ValueError('nothing told')")


def test_memory_of_a_process_that_is_gone(memory: ModuleType) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert memory.read_resident(process.pid) == 0.0
    assert memory.read_resident(threading.get_native_id()) >= 0.0


def test_peaks_are_those_since_loading() -> None:
    code = """
import memory_turn as turn
first = bytearray(b"1" * 80_000_000)
loading = turn.peak_mib()
del first
turn.forget_peak()
assert turn.peak_mib() < loading - 60
second = bytearray(b"1" * 20_000_000)
assert turn.peak_mib() > turn.resident_mib() - 1
"""
    folder = Path(__file__).parent.parent.parent / "benchmarks"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)


def test_points_are_those_of_one_line(memory: ModuleType) -> None:
    rows = [
        {"system": system, "series": series, "size": size, "done": size, "peak_mib": 2.0 * size}
        for system in memory.SYSTEMS
        for series in memory.UNITS
        for size in (1, 2)
    ]
    assert memory.points_of(rows, "ours", "stream") == ([1, 2], [2.0, 4.0])
    assert memory.points_of([], "ours", "stream") == ([], [])
    rows[-1] |= {"done": 7}  # ended early: drawn where it got to
    rows[-2] |= {"done": 0}  # ended where that is not known
    assert memory.points_of(rows, memory.SYSTEMS[1], "stream") == ([1, 7], [2.0, 4.0])


def test_streams_are_as_long_as_asked(tmp_path: Path) -> None:
    from memory_turn import read_texts

    for name, text in (("rotten_tomatoes", "text\tlabel\ngood\t1\n"), ("wnut17", "a\tO\nb\tO\n")):
        (tmp_path / name).mkdir()
        files = {"rotten_tomatoes": "train.tsv", "wnut17": "wnut17train.conll"}
        (tmp_path / name / files[name]).write_text(text)
    (tmp_path / "snips").mkdir()
    (tmp_path / "snips" / "train.jsonl").write_text('{"text": "play"}\n')
    assert list(read_texts("stream", tmp_path, size=5)) == ["play", "good", "a b", "play", "good"]
    assert list(read_texts("stream", tmp_path, size=0)) == []


def test_turns_are_compared_with_those_of_the_peer(startup: ModuleType) -> None:
    turns = {
        startup.OURS: [{"load": 1.0, "total": 3.0}] * 2,
        startup.THEIRS: [{"load": 4.0, "total": 6.0}] * 2,
    }
    ratios = startup.compare(turns)
    assert ratios["load"].median == 0.25
    assert ratios["total"].median == 0.5
    assert startup.in_milliseconds(ratios["load"]).median == 250.0


def test_a_turn_that_fails_ends_the_benchmark(startup: ModuleType) -> None:
    settings = {"system": "ours", "modules": ["there_is_no_such_module"], "path": ""}
    with pytest.raises(SystemExit, match="there_is_no_such_module"):
        startup.run_turn(settings, threads=1)


def test_a_turn_times_an_import_of_the_package_alone(startup: ModuleType) -> None:
    settings = {"system": "ours", "modules": ["spacy_bert_plugin"], "path": ""}
    turn = startup.run_turn(settings, threads=1)
    assert turn["heavy"] == []
    assert turn["load"] == turn["first_text"] == 0.0
    assert 0.0 < turn["import"] == turn["total"]


@pytest.mark.parametrize("system", ["ours", "spacy-transformers", ""])
def test_other_systems_are_hidden(system: str) -> None:
    code = (
        "import sys; from importlib import metadata; from pipelines import hide_others;"
        f"hide_others({system!r});"
        "print(sorted({p.dist.name for p in metadata.entry_points(group='spacy_factories')}))"
    )
    folder = Path(__file__).parent.parent.parent / "benchmarks"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert ("spacy-bert-plugin" in done.stdout) == (system == "ours")


def test_labels_of_sizes_do_not_lie_over_each_other(memory: ModuleType) -> None:
    report = importlib.import_module("report")
    assert report.keep_apart([30_000, 35_000, 70_000, 300_000]) == [30_000, 70_000, 300_000]
    assert report.keep_apart([]) == []
