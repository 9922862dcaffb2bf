"""What the benchmark of whole pipelines makes of its measurements."""

import json
import sys
from pathlib import Path
from typing import Any

import builds
import inference
import numpy as np
import pytest
import spacy
import vectors
from inference_report import Findings, compare_speed, count_flops, write_report
from systems import BARE, FOLDER, KINDS, OURS, PEER, Catalogue

from spacy_bert_plugin.cli.measure.result import Measured, Result, Turn


def make_catalogue(device: str = "cpu") -> Catalogue:
    paths = {name: Path(name) for name in builds.BUILDERS}
    return Catalogue(paths, checkpoint=Path("weights"), device=device, threads=2)


def make_result(names: list[str], *, n_pieces: int | None = 120) -> Result:
    measured = [
        Measured(name, batch_size=8, n_passes=1, load_seconds=1.0, turns=[Turn(1.0 / n, [0.01])])
        for n, name in enumerate(names, start=1)
    ]
    return Result(measured, {"one that broke": "it failed to load: x\ny"}, 10, 100, n_pieces)


def make_findings(tmp_path: Path, catalogue: Catalogue, **known: Any) -> Findings:
    contestants = catalogue.list_for_gpu() if catalogue.is_cuda else catalogue.list_for_speed()
    singles = catalogue.list_for_latency()
    config = {"hidden_size": 4, "intermediate_size": 8, "num_hidden_layers": 2}
    (tmp_path / "config.json").write_text(json.dumps(config))
    numbers = dict.fromkeys(
        ("max_difference", "max_difference_short_texts", "share_within_1e-4_short_texts"), 0.5
    )
    return Findings(
        texts={"texts": 10, "pieces": 120},
        contestants=contestants,
        speed=make_result([c.system.name for c in contestants]),
        single_contestants=singles,
        latency=make_result([c.system.name for c in singles], n_pieces=None),
        vectors={"ours, fp32": {**numbers, "mean_cosine": 1.0, "tokens": 3}},
        shape="tiny",
        config=tmp_path / "config.json",
        **known,
    )


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_systems_have_names_of_their_own_and_can_be_started(device: str) -> None:
    catalogue = make_catalogue(device)
    first = catalogue.list_for_gpu() if device == "cuda" else catalogue.list_for_speed()
    for contestants in (first, catalogue.list_for_latency()):
        names = [contestant.system.name for contestant in contestants]
        assert len(set(names)) == len(names) > 4
        assert all(contestant.kind in KINDS for contestant in contestants)
        for contestant in contestants:
            module, _, function = contestant.system.target.partition(":")
            if contestant.system.folder == FOLDER:
                assert callable(getattr(__import__(module), function))
            else:
                assert contestant.system.settings["path"] in builds.BUILDERS


def test_pipelines_without_heads_keep_their_precision() -> None:
    found = {c.system.name: c.system.settings for c in make_catalogue().list_for_latency()}
    assert found["ours, bf16, no heads"]["overrides"] == {
        "components.bert_transformer.precision": "bf16",
        "nlp.pipeline": ["bert_transformer"],
    }
    assert "nlp.pipeline" not in found["ours, bf16"]["overrides"]


def test_ours_is_held_against_the_peer_and_the_bare_encoder_of_its_precision(
    tmp_path: Path,
) -> None:
    findings = make_findings(tmp_path, make_catalogue())
    to_peer, to_bare = compare_speed(findings)
    names = [c.system.name for c in findings.contestants]
    # The n-th system is n times as fast as the first.
    place = {name: n for n, name in enumerate(names, start=1)}
    assert to_peer[f"{OURS}, bf16"].median == place[f"{OURS}, bf16"] / place[PEER]
    expected = place[f"{OURS}, bf16"] / place[f"{BARE}, bf16"]
    assert to_bare[f"{OURS}, bf16"].median == pytest.approx(expected)
    assert set(to_bare) == {f"{OURS}, {precision}" for precision in ("fp32", "bf16", "int8")}


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_report(tmp_path: Path, device: str, capsys: pytest.CaptureFixture[str]) -> None:
    tflops = 1e-9 if device == "cuda" else None
    findings = make_findings(tmp_path, make_catalogue(device), peak_tflops=tflops)
    path = tmp_path / "results" / "out.json"
    write_report(findings, path, machine={"cores": 2}, foot="a machine", settings={"seed": 0})
    stored = json.loads(path.read_text(encoding="utf8"))
    assert list(stored["systems"]) == [c.system.name for c in findings.contestants]
    assert stored["failed"] == {"one that broke": "it failed to load: x\ny"}
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    text = capsys.readouterr().out
    assert "one that broke: it failed to load: x" in text
    if device == "cuda":
        first = next(iter(stored["systems"].values()))
        assert first["share_of_card"] == pytest.approx(120 * count_flops(
            {"hidden_size": 4, "intermediate_size": 8, "num_hidden_layers": 2}, length=12
        ) / 1000, rel=1e-3)  # fmt: skip
    assert str(tmp_path) not in path.read_text(encoding="utf8")


def test_operations_of_bert_base() -> None:
    config = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}
    assert count_flops(config, length=128) == pytest.approx(174.6e6, rel=0.01)


def test_sentence_has_twelve_words() -> None:
    assert len(spacy.blank("en")(inference.SENTENCE)) == 12


def test_nothing_is_measured_without_a_gpu(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(inference, "find_gpu", lambda: "")
    monkeypatch.setattr(sys, "argv", ["inference.py", "--data-dir", "x", "--device", "cuda"])
    inference.main()
    assert "No CUDA device here, nothing was measured" in capsys.readouterr().out


def test_heads_are_copied_weight_by_weight() -> None:
    heads = []
    for value in (0.25, 0.5):
        nlp = spacy.blank("en")
        head = nlp.add_pipe("textcat")
        head.add_label("A")
        head.add_label("B")
        nlp.initialize()
        for node in head.model.walk():
            for name in node.param_names:
                node.set_param(name, np.full_like(node.get_param(name), value))
        heads.append(head)
    giver, taker = heads
    builds.copy_head(giver, taker)
    found = [node.get_param(n) for node in taker.model.walk() for n in node.param_names]
    assert len(found) > 2
    assert all((param == 0.25).all() for param in found)
    with pytest.raises(SystemExit, match="labels differ"):
        builds.copy_head(giver, spacy.blank("en").add_pipe("textcat"))


def test_difference_of_vectors() -> None:
    expected = {"vectors": np.eye(3, dtype="float32"), "lengths": np.array([2, 1])}
    found = vectors.measure_difference(expected, expected)
    assert (found["tokens"], found["max_difference"], found["mean_cosine"]) == (3, 0.0, 1.0)
    moved = {**expected, "vectors": np.eye(3, dtype="float32")[::-1]}
    assert vectors.measure_difference(moved, expected)["mean_cosine"] == pytest.approx(1 / 3)
