"""Recipes, configs, stored runs and tables of the quality benchmark."""

import json
from pathlib import Path
from typing import Any

import corpora
import pytest
import quality
import quality_picture
import quality_spacy
import quality_table
import recipes
import spacy
from job import Job
from runs import Runs
from spacy.tokens import DocBin
from spacy.util import load_config

CONFIGS = Path(recipes.__file__).parent.parent / "configs"

# Data sets of tasks that spaCy's heads and spacy-transformers know.
OF_SPACY = sorted(data for data in recipes.DATA_SETS if recipes.can_run("ours-spacy-heads", data))


def make_job(data: str, system: str, **overrides: Any) -> Job:
    return Job(
        data=data,
        system=system,
        seed=3,
        recipe=recipes.RECIPES[data],
        overrides=overrides,
        paths={"train": "a.spacy", "dev": "b.spacy", "test": "c.spacy"},
        checkpoint="some/folder",
        n_steps=40,
        eval_every=5,
        folder="scratch",
    )


@pytest.mark.parametrize(
    ("n_words", "max_steps", "expected"),
    [(8000, 0, (40, 5)), (8000, 3, (3, 1)), (1, 0, (1, 1)), (8100, 0, (42, 6))],
)
def test_the_last_step_is_evaluated(
    n_words: int, max_steps: int, expected: tuple[int, int]
) -> None:
    recipe = recipes.Recipe(epochs=4, batch_words=800)
    steps, every = recipe.plan_steps(n_words, max_steps=max_steps)
    assert (steps, every) == expected
    assert steps % every == 0


def test_every_data_set_has_a_recipe_and_every_kind_a_config() -> None:
    assert set(recipes.RECIPES) == set(recipes.DATA_SETS)
    for data_set in recipes.DATA_SETS.values():
        assert data_set.kind in recipes.OUR_CONFIGS
        for configs in (recipes.OUR_CONFIGS, recipes.SPACY_CONFIGS):
            name = configs.get(data_set.kind)
            assert name is None or (CONFIGS / name).is_file()
    assert {data for _, data in recipes.OVERRIDES} <= {*recipes.DATA_SETS, "*"}


def test_settings_of_a_run_survive_json() -> None:
    settings = recipes.describe_settings("ours", "wnut17")
    assert json.loads(json.dumps(settings)) == settings
    assert settings["batch_words"] == recipes.RECIPES["wnut17"].batch_words


def test_systems_without_pairs_are_left_out() -> None:
    found = {system for system in quality.SYSTEMS if recipes.can_run(system, "snli_dev")}
    assert found == {"ours", "bare"}
    assert all(recipes.can_run(system, "snips") for system in quality.SYSTEMS)


@pytest.mark.parametrize("data", OF_SPACY)
def test_config_of_ours_with_the_heads_of_spacy(data: str) -> None:
    job = make_job(data, "ours-spacy-heads", **{"training.optimizer.beta1": 0.8})
    config = quality_spacy.make_config(job)
    assert config["components"]["bert_transformer"]["model"]["name"] == "some/folder"
    assert config["training"]["max_steps"] == 40
    assert config["training"]["optimizer"]["learn_rate"]["total_steps"] == 40
    assert config["training"]["optimizer"]["beta1"] == 0.8
    assert config["system"]["seed"] == 3
    assert config.interpolate()["corpora"]["dev"]["path"] == "b.spacy"


@pytest.mark.parametrize("data", OF_SPACY)
def test_config_of_the_peer_has_nothing_of_ours_but_the_reader(data: str) -> None:
    config = quality_spacy.make_config(make_job(data, "spacy-transformers"))
    assert config["nlp"]["pipeline"][0] == "transformer"
    assert set(config["nlp"]["pipeline"]) == set(config["components"])
    assert "spacy-bert-plugin" not in json.dumps(config["components"])
    assert config["training"]["optimizer"]["@optimizers"] == "Adam.v1"


def test_a_path_that_the_config_lacks_is_refused() -> None:
    config = load_config(CONFIGS / "ner.cfg")
    with pytest.raises(SystemExit, match="no section 'nosuch'"):
        quality_spacy.set_value(config, "components.nosuch.x", 1)


class FakePipeline:
    """Updates and evaluates; says what the clock is told."""

    def update(self, examples: list[Any], **settings: Any) -> str:
        return "updated"

    def evaluate(self, examples: list[Any]) -> dict[str, Any]:
        return {"ents_f": 0.5, "cats_score": None, "speed": 1.0}


def test_the_clock_stands_still_from_evaluation_to_update(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = iter([10.0, 17.0])
    monkeypatch.setattr(quality_spacy.time, "perf_counter", lambda: next(now))
    nlp = FakePipeline()
    clock = quality_spacy.Clock(nlp)
    assert nlp.update([], sgd=False) == "updated"
    nlp.evaluate([])
    nlp.update([])
    assert clock.seconds == 7.0
    assert clock.curve == [{"step": 1, "ents_f": 0.5}]
    assert clock.n_steps == 2


def make_outcome(f: float) -> dict[str, Any]:
    return {
        "scores": {"f": f},
        "train_words": 1000,
        "train_seconds": 2.0,
        "predict_words": 10,
        "predict_seconds": 0.0,
    }


def test_runs_are_stored_at_once_and_replaced_by_new_settings(tmp_path: Path) -> None:
    path = tmp_path / "new" / "quality.json"
    runs = Runs(path)
    assert runs.all() == []
    runs.machine = {"commit": "abc", "date": "today", "cores": 2}
    runs.add("wnut17", "ours", 0, {"epochs": 4}, make_outcome(0.1))
    runs.add("wnut17", "ours", 1, {"epochs": 4}, make_outcome(0.2))
    again = Runs(path)
    assert again.has("wnut17", "ours", 0, {"epochs": 4})
    assert not again.has("wnut17", "ours", 0, {"epochs": 5})
    assert not again.has("wnut17", "bare", 0, {"epochs": 4})
    again.machine = runs.machine
    again.add("wnut17", "ours", 0, {"epochs": 5}, make_outcome(0.3))
    stored = Runs(path).all()
    assert sorted(run["scores"]["f"] for run in stored) == [0.2, 0.3]
    assert {run["commit"] for run in stored} == {"abc"}
    assert [item.name for item in path.parent.iterdir()] == ["quality.json"]


def test_table_of_means_and_extremes(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [
        {"data": "wnut17", "system": "ours", "seed": seed, **make_outcome(f)}
        for seed, f in enumerate((0.4, 0.5, 0.6))
    ]
    quality_table.print_quality(runs, ["wnut17", "snips"], ["ours", "bare"])
    table = capsys.readouterr().out
    assert "0.500 (0.400 to 0.600)" in table
    assert "500 (500 to 500)" in table
    assert "snips" not in table
    quality_table.print_quality([], ["wnut17"], ["ours"])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_picture_of_every_seed(tmp_path: Path) -> None:
    runs = [
        {"data": "snips", "system": "ours", "seed": seed, "scores": {"f": f, "accuracy": 0.9}}
        for seed, f in enumerate((0.4, 0.5))
    ]
    rows = [(data, key) for data, key, _ in quality_picture.list_rows(runs)]
    assert rows == [("snips", "accuracy"), ("snips", "f")]
    assert quality_picture.find_values(runs, "snips", "ours", "f") == [0.4, 0.5]
    quality_picture.draw_quality(tmp_path / "a.png", runs, ["ours", "bare"], foot="a machine")
    assert (tmp_path / "a.png").stat().st_size > 1000
    quality_picture.draw_quality(tmp_path / "b.png", [], ["ours"], foot="")
    assert not (tmp_path / "b.png").exists()


def test_the_step_of_the_saved_model_is_found_by_its_scores() -> None:
    class Loaded:
        meta = {"performance": {"ents_f": 0.5, "ents_per_type": {}}}

    curve = [
        {"step": 1, "ents_f": 0.5, "cats_macro_f": 0.1},
        {"step": 6, "ents_f": 0.5, "cats_macro_f": 0.2},
        {"step": 11, "ents_f": 0.4, "cats_macro_f": 0.3},
    ]
    assert quality_spacy.best_step(curve, Loaded()) == 6
    assert quality_spacy.best_step([], Loaded()) == 0


def test_spread_of_one_value_and_of_none() -> None:
    assert quality_table.show_spread([0.25], digits=2) == "0.25"
    assert quality_table.show_spread([], digits=2) == ""


def test_snips_keeps_a_part_of_its_training_texts_for_dev(tmp_path: Path) -> None:
    source = tmp_path / "data" / "snips"
    source.mkdir(parents=True)
    spans = '"spans": [{"start": 5, "end": 6, "label": "n"}]'
    row = '{"text": "play %s songs", "intent": "Play", ' + spans + "}"
    lines = [row % number for number in range(100, 200)]
    (source / "train.jsonl").write_text("\n".join(lines), encoding="utf8")
    (source / "validate.jsonl").write_text(row % 7777, encoding="utf8")
    folder = tmp_path / "out"
    paths = corpora.prepare_corpora("snips", data_dir=tmp_path / "data", folder=folder)
    nlp = spacy.blank("en")
    docs = {k: list(DocBin().from_disk(path).get_docs(nlp.vocab)) for k, path in paths.items()}
    assert {split: len(rows) for split, rows in docs.items()} == {"train": 95, "dev": 5, "test": 1}
    # The token is expanded to in training, and split in the test.
    assert [span.text for span in docs["test"][0].ents] == ["7"]
    assert docs["test"][0].cats == {"Play": 1.0}
    before = paths["train"].stat().st_mtime_ns
    corpora.prepare_corpora("snips", data_dir=tmp_path / "data", folder=folder)
    assert paths["train"].stat().st_mtime_ns == before
    cut = corpora.cut_corpora(paths, n_texts=3, folder=tmp_path)
    assert corpora.count_words(cut["train"]) == 9
    assert len(corpora.read_examples(cut["train"], nlp, limit=2)) == 2
