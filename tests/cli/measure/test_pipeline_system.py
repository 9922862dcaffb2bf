"""A spaCy pipeline under measurement, in this process."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language

from spacy_bert_plugin.cli.measure import system as measured
from spacy_bert_plugin.cli.measure.memory import read_gpu_peak, read_peak, read_resident
from spacy_bert_plugin.cli.measure.outputs import read_outputs
from spacy_bert_plugin.cli.measure.system import PipelineSystem, open_pipeline, share_texts
from spacy_bert_plugin.errors import SettingError

TEXTS = ["Play Paris, please.", "rain in berlin", "x"]


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    return {
        "texts": share_texts(TEXTS, tmp_path / "texts.json"),
        "latency_texts": share_texts(TEXTS[:2], tmp_path / "single.json"),
        "n_passes": 2,
        "batch_size": 2,
        "device": "cpu",
        "code": None,
    }


def make_ruler(path: Path) -> Path:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "CITY", "pattern": "Paris"}])
    nlp.to_disk(path)
    return path


def test_from_a_folder_to_outputs(tmp_path: Path, settings: dict[str, Any]) -> None:
    path = str(make_ruler(tmp_path / "model"))
    system = open_pipeline({**settings, "path": path, "overrides": {"nlp.batch_size": 7}})
    assert system.nlp.batch_size == 7
    about = system.describe()
    assert about["components"] == ["entity_ruler"]
    assert 0.0 < about["load_seconds"] < 60.0
    system.run()
    assert len(system.run_singles()) == 2
    assert system.count_words() == 5 + 3 + 1
    assert system.count_pieces() is None
    system.save_outputs(str(tmp_path / "outputs.json"))
    outputs = read_outputs(tmp_path / "outputs.json")
    assert outputs.texts[0].entities == [[5, 10, "CITY"]]
    assert outputs.has_entities


def test_pieces_are_counted_by_the_shared_encoder(
    settings: dict[str, Any], tiny_checkpoint: Path
) -> None:
    nlp = spacy.blank("en")
    config = {"model": {"name": str(tiny_checkpoint)}}
    nlp.add_pipe("bert_transformer", name="encoder", config=config)
    nlp.initialize()
    system = PipelineSystem(nlp, settings, load_seconds=0.0)
    assert system.count_pieces() == (4 + 1) + 3 + 1  # the full stop and the comma are pieces


def test_functions_of_a_file_are_registered(tmp_path: Path, settings: dict[str, Any]) -> None:
    code = tmp_path / "code.py"
    code.write_text(
        "from spacy.language import Language\n"
        "@Language.component('measured_here')\n"
        "def run(doc):\n    return doc\n"
    )
    model = tmp_path / "model"
    spacy.blank("en").to_disk(model)
    config = spacy.util.load_config(model / "config.cfg")
    config["nlp"]["pipeline"] = ["it"]
    config["components"] = {"it": {"factory": "measured_here"}}
    config.to_disk(model / "config.cfg")
    chosen = {**settings, "path": str(model), "overrides": {}}
    with pytest.raises(ValueError, match="measured_here"):
        open_pipeline(chosen)
    assert open_pipeline({**chosen, "code": str(code)}).nlp.pipe_names == ["it"]


def test_docs_that_get_lost_are_an_error(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    nlp = spacy.blank("en")
    monkeypatch.setattr(Language, "pipe", lambda self, texts, **_: list(texts)[1:])
    with pytest.raises(SettingError, match="5 Docs for 6 texts"):
        PipelineSystem(nlp, settings, load_seconds=0.0).run()


def test_no_gpu_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SettingError, match="no CUDA device that torch can use"):
        measured.use_device("cuda")
    measured.use_device("cpu")


def test_memory_of_this_process() -> None:
    resident, peak = read_resident(), read_peak()
    assert resident is not None
    assert peak is not None
    assert 2**20 < resident <= peak * 1.01
    assert read_gpu_peak() is None or read_gpu_peak() > 0
