"""A pipeline in another precision: what is written, and that nothing else ever is."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from small_pipelines import TEXTS, hash_folder, make_nlp
from spacy.language import Language
from thinc.api import Config

from spacy_bert_plugin.compression import (
    check_output,
    find_encoders,
    find_precision,
    optimize_pipeline,
    set_precision,
)
from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.layers import get_shim

WEIGHTS = Path("bert_transformer", "model.safetensors")
DtypesT = Callable[[Path], dict[str, str]]


def list_cats(nlp: Language) -> np.ndarray:
    return np.array([[*doc.cats.values()] for doc in nlp.pipe(TEXTS)])


@pytest.mark.usefixtures("computes_bf16")
def test_the_new_folder_loads_like_any_other(
    shared_model: Path, tmp_path: Path, list_dtypes: DtypesT
) -> None:
    before = hash_folder(shared_model)
    nlp = spacy.load(shared_model)
    with optimize_pipeline(nlp, tmp_path / "out", precision="bf16") as staged:
        assert spacy.load(staged).pipe_names == nlp.pipe_names
        assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    after = hash_folder(tmp_path / "out")
    changed = {name for name in before if after[name] != before[name]}
    assert before.keys() == after.keys()
    assert changed == {"config.cfg", str(WEIGHTS), "bert_transformer/manifest.json"}
    assert hash_folder(shared_model) == before
    assert set(list_dtypes(tmp_path / "out" / WEIGHTS).values()) == {"BF16", "F32"}
    optimized = spacy.load(tmp_path / "out")
    assert (find_precision(nlp), find_precision(optimized)) == ("fp32", "bf16")
    assert 0 < np.abs(list_cats(optimized) - list_cats(nlp)).max() < 0.02


@pytest.mark.usefixtures("computes_bf16")
def test_an_encoder_of_one_component(inline_model: Path, tmp_path: Path) -> None:
    nlp = spacy.load(inline_model)
    with optimize_pipeline(nlp, tmp_path / "out", precision="bf16"):
        pass
    optimized = spacy.load(tmp_path / "out")
    assert find_precision(optimized) == "bf16"
    sizes = [
        (path / "bert_textcat" / "model").stat().st_size
        for path in (tmp_path / "out", inline_model)
    ]
    assert sizes[0] < 0.8 * sizes[1]
    assert np.abs(list_cats(optimized) - list_cats(nlp)).max() < 0.02


def test_the_pipeline_itself_does_not_change(shared_model: Path, tmp_path: Path) -> None:
    nlp = spacy.load(shared_model)
    before = list_cats(nlp)
    with optimize_pipeline(nlp, tmp_path / "out", precision="int8", use_check=False):
        pass
    assert find_precision(nlp) == "fp32"
    assert np.array_equal(list_cats(nlp), before)
    nlp.to_disk(tmp_path / "again")
    assert hash_folder(tmp_path / "again")[str(WEIGHTS)] == hash_folder(shared_model)[str(WEIGHTS)]


def test_fp32_stores_all_of_it(shared_model: Path, tmp_path: Path, list_dtypes: DtypesT) -> None:
    with optimize_pipeline(
        spacy.load(shared_model), tmp_path / "half", precision="fp16", use_check=False
    ):
        pass
    assert set(list_dtypes(tmp_path / "half" / WEIGHTS).values()) == {"F16", "F32"}
    with optimize_pipeline(spacy.load(tmp_path / "half"), tmp_path / "full", precision="fp32"):
        pass
    assert set(list_dtypes(tmp_path / "full" / WEIGHTS).values()) == {"F32"}
    assert find_precision(spacy.load(tmp_path / "full")) == "fp32"


def test_a_matrix_beyond_the_range_stays_whole(
    tiny_checkpoint: Path, tmp_path: Path, list_dtypes: DtypesT
) -> None:
    nlp = make_nlp(tiny_checkpoint)
    encoder = get_shim(find_encoders(nlp)["bert_transformer"]).encoder
    with torch.no_grad():
        encoder.get_parameter("layers.1.up.weight")[0, 0] = 1e6
    nlp.to_disk(tmp_path / "model")
    with optimize_pipeline(
        spacy.load(tmp_path / "model"), tmp_path / "out", precision="fp16", use_check=False
    ):
        pass
    kinds = list_dtypes(tmp_path / "out" / WEIGHTS)
    assert kinds["encoder.layer.1.intermediate.dense.weight"] == "F32"
    assert kinds["encoder.layer.0.intermediate.dense.weight"] == "F16"


def test_an_error_leaves_nothing_behind(shared_model: Path, tmp_path: Path) -> None:
    before = hash_folder(shared_model)
    with (
        pytest.raises(KeyError),
        optimize_pipeline(spacy.load(shared_model), tmp_path / "out", precision="fp32"),
    ):
        raise KeyError("no good")
    assert list(tmp_path.iterdir()) == []
    assert hash_folder(shared_model) == before


def test_a_pipeline_that_is_there_stays_until_the_end(shared_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(shared_model, out)
    (out / "notes.txt").write_text("of the old one")
    with (
        pytest.raises(KeyError),
        optimize_pipeline(spacy.load(shared_model), out, precision="fp32"),
    ):
        raise KeyError("no good")
    assert (out / "notes.txt").exists()
    with optimize_pipeline(spacy.load(shared_model), out, precision="fp32"):
        pass
    assert not (out / "notes.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_machine_lacks_the_precision(
    shared_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacy_bert_plugin.batching.precision.supports_bf16", lambda device: False)
    nlp = spacy.load(shared_model)
    with (
        pytest.raises(SettingError, match="does not compute bfloat16"),
        optimize_pipeline(nlp, tmp_path / "out", precision="bf16"),
    ):
        pytest.fail("the block must not run")
    assert list(tmp_path.iterdir()) == []
    with optimize_pipeline(nlp, tmp_path / "out", precision="bf16", use_check=False):
        pass
    assert find_precision(spacy.load(tmp_path / "out")) == "bf16"


def test_pipelines_without_an_encoder(tmp_path: Path, tiny_checkpoint: Path) -> None:
    nlp = spacy.blank("en")
    nlp.to_disk(tmp_path / "blank")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(tiny_checkpoint)}})
    nlp.to_disk(tmp_path / "no-weights")
    for name, got in (("blank", "no component"), ("no-weights", "bert_transformer")):
        with (
            pytest.raises(SettingError, match=f"SB730|nothing to optimize.*it has {got}"),
            optimize_pipeline(spacy.load(tmp_path / name), tmp_path / "out", precision="fp32"),
        ):
            pytest.fail("the block must not run")
    assert not (tmp_path / "out").exists()


def test_a_disabled_encoder_counts(shared_model: Path, tmp_path: Path) -> None:
    nlp = spacy.load(shared_model, disable=["bert_transformer"])
    with optimize_pipeline(nlp, tmp_path / "out", precision="fp16", use_check=False):
        pass
    assert find_precision(spacy.load(tmp_path / "out")) == "fp16"


def test_skip_goes_with_int8_alone(shared_model: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(SettingError, match="int8_skip"),
        optimize_pipeline(
            spacy.load(shared_model), tmp_path / "out", precision="bf16", skip=["down"]
        ),
    ):
        pytest.fail("the block must not run")


def test_skipped_maps_are_written(shared_model: Path, tmp_path: Path) -> None:
    nlp = spacy.load(shared_model)
    with optimize_pipeline(
        nlp, tmp_path / "out", precision="int8", skip=["down.1", "qkv"], use_check=False
    ):
        pass
    component = Config().from_disk(tmp_path / "out" / "config.cfg")["components"][
        "bert_transformer"
    ]
    assert component["precision"] == "int8"
    assert component["model"]["int8_skip"] == ["down.1", "qkv"]


def test_settings_in_a_config() -> None:
    encoder = {"@architectures": "spacy-bert-plugin.BertEncoder.v1", "precision": "fp32"}
    text = Config(
        {
            "paths": {"encoder": "x"},
            "components": {
                "shared": {"factory": "bert_transformer", "model": encoder},
                "own": {"factory": "ner", "model": {"tok2vec": dict(encoder), "width": 3}},
                "other": {"factory": "tagger", "precision": 7},
            },
        }
    ).to_str()
    config: dict[str, Any] = Config().from_str(text)
    set_precision(config, precision="int8", skip=["down"])
    components = config["components"]
    assert components["shared"]["precision"] == "int8"
    assert components["shared"]["model"] == {**encoder, "int8_skip": ["down"]}
    own = {**encoder, "precision": "int8", "int8_skip": ["down"]}
    assert components["own"] == {"factory": "ner", "model": {"tok2vec": own, "width": 3}}
    assert components["other"] == {"factory": "tagger", "precision": 7}
    set_precision(config, precision="fp32")
    assert own["int8_skip"] == components["own"]["model"]["tok2vec"]["int8_skip"]
    set_precision({}, precision="fp32")


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("model", "it is the folder of"),
        ("other/../model", "it is the folder of"),
        ("link", "it is the folder of"),
        ("model/sub", "it lies inside"),
        (".", "it contains"),
    ],
)
def test_the_original_is_never_written_to(tmp_path: Path, output: str, problem: str) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "model")
    for use_force in (False, True):
        with pytest.raises(SettingError, match=problem):
            check_output(tmp_path / "model", tmp_path / output, use_force=use_force)


def test_only_pipelines_are_replaced_and_only_if_asked(shared_model: Path, tmp_path: Path) -> None:
    check_output(shared_model, tmp_path / "new" / "out")
    (tmp_path / "photos").mkdir()
    with pytest.raises(SettingError, match="no spaCy pipeline"):
        check_output(shared_model, tmp_path / "photos", use_force=True)
    shutil.copytree(shared_model, tmp_path / "old")
    with pytest.raises(SettingError, match="exists already"):
        check_output(shared_model, tmp_path / "old")
    check_output(shared_model, tmp_path / "old", use_force=True)
