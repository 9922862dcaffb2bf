"""The systems of the speed benchmark of pretraining: the same windows, the same task."""

from pathlib import Path
from typing import Any

import pretraining
import pretraining_systems
import pytest
import torch
from pretraining_systems import OurSystem, PaddedSystem, System, count_flops, make_texts, pad

STORIES = (
    "The whale swims. It sees a ship. The ship sinks.",
    "A dog barks. It sees a cat. It runs.",
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("benchmark")
    for number, story in enumerate(STORIES):
        path = folder / "texts" / f"{number}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(" ".join([story] * 20), encoding="utf8")
    facts = make_texts([folder / "texts"], folder, shape="tiny")
    assert facts["pieces"] == 500
    assert facts["vocabulary"] <= 300
    settings = {"folder": str(folder), "shape": "tiny", "gpu": -1, "step_pieces": 128}
    return {**settings, "warm_up": 1, "steps": 2, "seed": 0, "vocabulary": facts["vocabulary"]}


@pytest.mark.parametrize("kind", [OurSystem, PaddedSystem])
@pytest.mark.parametrize("is_bf16", [False, True])
def test_systems_learn(settings: dict[str, Any], kind: type[System], is_bf16: bool) -> None:
    system = kind(settings, is_bf16=is_bf16)
    before = {name: value.clone() for name, value in system.model.named_parameters()}  # type: ignore[attr-defined]
    system.warm_up()
    found = system.run()
    # ln(vocabulary) for words, ln(2) for pairs: nothing is known yet.
    expected = torch.tensor(float(settings["vocabulary"])).log() + torch.tensor(2.0).log()
    assert found["loss"] == pytest.approx(float(expected), rel=0.1)
    assert 0 < found["hidden"] < found["pieces"] <= 256
    assert 0 < found["length"] <= pretraining_systems.MAX_PIECES["tiny"]
    after = dict(system.model.named_parameters())  # type: ignore[attr-defined]
    assert all(not torch.equal(before[name], after[name]) for name in after if "weight" in name)


def test_both_see_the_same_windows(settings: dict[str, Any]) -> None:
    ours = OurSystem(settings, is_bf16=False)
    padded = PaddedSystem(settings, is_bf16=False)
    assert ours.facts == padded.facts
    assert len(ours.steps) == len(padded.steps) == 2
    for step, rows in zip(ours.steps, padded.steps, strict=True):
        for batch, laid_out in zip(step.batches, rows, strict=True):
            mask = laid_out["attention_mask"].bool()
            assert torch.equal(laid_out["input_ids"][mask], batch.packed.ids)
            assert mask.sum(1).tolist() == list(batch.packed.lengths)
            labels = laid_out["labels"]
            assert torch.equal(labels[labels >= 0], batch.targets)
            assert torch.equal(laid_out["input_ids"][~mask], torch.zeros_like(labels[~mask]))
            assert (labels[~mask] == -100).all()
            assert pad(batch).keys() == laid_out.keys()


def test_operations() -> None:
    turn = {"pieces": 100, "hidden": 0, "length": 0.0}
    layers = 3 * 2 * 24 * 32 * 32  # forward and backward, 2 layers, 12 products of 32 x 32
    assert count_flops("tiny", turn, n_pieces=300) == layers
    more = count_flops("tiny", {**turn, "hidden": 15, "length": 10.0}, n_pieces=300)
    assert more - layers == pytest.approx(3 * (0.15 * 2 * 32 * 332 + 2 * 4 * 32 * 10))


def test_every_system_can_be_started() -> None:
    for target, _, what in pretraining_systems.SYSTEMS.values():
        module, _, function = target.partition(":")
        assert module == "pretraining_systems"
        assert callable(getattr(pretraining_systems, function))
        assert what in pretraining_systems.PADDED


def test_names_of_results(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*words: str) -> Any:
        monkeypatch.setattr("sys.argv", ["pretraining.py", "--texts", "a.txt", *words])
        return pretraining.parse_arguments()

    assert (read().name, read().step_pieces) == ("pretraining", 4096)
    gpu = read("--gpu", "0", "--shape", "base")
    assert (gpu.name, gpu.step_pieces) == ("pretraining-base-cuda", 65_536)
    assert read("--texts", "b", "c").texts == [Path("b"), Path("c")]
    assert pretraining.measure_card_share(read(), {}, {}, n_pieces=1) == {}
