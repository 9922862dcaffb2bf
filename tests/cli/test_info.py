from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spacy_bert_plugin.cli import machine, versions
from spacy_bert_plugin.cli.info import collect_info
from spacy_bert_plugin.cli.machine import explain_gpu

RunT = Callable[..., Any]
GOOD: dict[str, Any] = {
    "has_driver": True,
    "n_devices": 1,
    "cuda": "12.8",
    "cupy": ["cupy-cuda12x"],
    "cupy_error": lambda: None,
}


def test_versions_and_devices(run: RunT) -> None:
    outcome = run("info")
    assert outcome.code == 0
    for name in ("spacy-bert-plugin", "spacy", "torch", "transformers", "tokenizers", "cpu"):
        assert f"\n{name} " in outcome.raw
    assert "fp32" in outcome.text


def test_problems_come_with_a_command(run: RunT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "find_gpu_problems", lambda: [("No CuPy", "pip install it")])
    monkeypatch.setattr(versions, "find_version_problems", list)
    outcome = run("info")
    assert "No CuPy Run: pip install it" in outcome.text
    assert "Nothing is missing" not in outcome.text
    monkeypatch.setattr(machine, "find_gpu_problems", list)
    assert "Nothing is missing" in run("info").text


@pytest.mark.parametrize(
    ("change", "what", "remedy"),
    [
        ({"n_devices": 0, "cuda": None}, "CPU only", "--force-reinstall torch"),
        ({"n_devices": 0}, "built for CUDA 12.8, finds no GPU", "nvidia-smi"),
        ({"cupy": []}, "without CuPy", "'spacy-bert-plugin[cuda12x]'"),
        ({"cupy": [], "cuda": "13.0"}, "without CuPy", "'spacy-bert-plugin[cuda13x]'"),
        ({"cupy": ["cupy-cuda12x", "cupy"]}, "in each other's way", "uninstall -y cupy-cuda12x c"),
        ({"cupy_error": lambda: "no library"}, "no library", "uninstall -y cupy-cuda12x && "),
    ],
)
def test_gpu_problems(change: dict[str, Any], what: str, remedy: str) -> None:
    ((got, command),) = explain_gpu(**{**GOOD, **change})
    assert what in got
    assert remedy in command


@pytest.mark.parametrize("change", [{}, {"has_driver": False, "n_devices": 0, "cuda": None}])
def test_no_gpu_problem(change: dict[str, Any]) -> None:
    assert explain_gpu(**{**GOOD, **change}) == []


def test_requirements_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["torch>=2.10", "numpy<1", "gone>=1", "extra>=1; extra == 'viz'", "numpy>=1"]
    installed = {"spacy": "3.8", "torch": "2.13.0+cpu", "numpy": "2.0"}
    monkeypatch.setattr(versions, "CHECKED", ("spacy", "absent"))
    monkeypatch.setattr("importlib.metadata.requires", lambda name: wanted)
    monkeypatch.setattr(versions, "find_version", installed.get)
    problems = versions.find_version_problems()
    assert [what for what, _ in problems] == [
        "spacy needs numpy<1, found 2.0",
        "spacy needs gone>=1, found none",
    ]
    assert problems[1][1] == "python -m pip install 'gone>=1'"


def test_an_encoder_is_described(tiny_checkpoint: Path) -> None:
    facts = collect_info(str(tiny_checkpoint)).sections["encoder"]
    assert (facts["family"], facts["layers"], facts["width"]) == ("bert", "2", "32")
    assert facts["longest window"] == "64 pieces"


def test_neither_pipeline_nor_encoder(run: RunT, tmp_path: Path) -> None:
    outcome = run("info", "--model", tmp_path)
    assert (outcome.code, "fetch-encoder" in outcome.text) == (1, True)
