"""What users get wrong, through the doors that they use: `spacy train` and `spacy.load`."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import load_config

from spacy_bert_plugin.errors import BertPluginError, CheckpointError

CONFIG = Path(__file__).parent.parent / "configs" / "joint.cfg"


def write_corpus(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    """Rows of text, intent and entity label; the entity is the last word."""
    nlp = spacy.blank("en")
    intents = sorted({intent for _, intent, _ in rows})
    docs = []
    for text, intent, label in rows:
        doc = nlp.make_doc(text)
        doc.cats = {name: float(name == intent) for name in intents}
        doc.ents = [doc.char_span(text.rindex(" ") + 1, len(text), label=label)]
        docs.append(doc)
    DocBin(docs=docs).to_disk(path)
    return path


ROWS = [("play music in london", "PLAY", "CITY"), ("book a table in paris", "BOOK", "CITY")] * 4


def train_joint(tmp_path: Path, tiny_checkpoint: Path, **overrides: Any) -> Any:
    train_path = write_corpus(tmp_path / "train.spacy", overrides.pop("rows", ROWS))
    dev_path = write_corpus(tmp_path / "dev.spacy", overrides.pop("dev", ROWS))
    settings = {
        "paths.train": str(train_path),
        "paths.dev": str(dev_path),
        "components.bert_transformer.model.name": str(tiny_checkpoint),
        "components.bert_transformer.model.overlap": 8,
        "training.max_steps": 4,
        "training.eval_frequency": 2,
        "training.optimizer.learn_rate.warmup_steps": 1,
        "training.logger.progress_bar": None,
        **overrides,
    }
    nlp = init_nlp(load_config(CONFIG, overrides=settings))
    output = tmp_path / "model"
    output.mkdir()
    with (tmp_path / "out").open("w") as out:
        return train(nlp, output, stdout=out, stderr=out)


def test_labels_that_occur_in_dev_only_count_as_missed(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    dev = [*ROWS, ("wake me up in berlin", "WAKE", "TOWN")]
    nlp, path = train_joint(tmp_path, tiny_checkpoint, dev=dev)
    assert "WAKE" not in nlp.get_pipe("textcat").labels
    scores = nlp.meta["performance"]
    assert 0.0 <= scores["ents_f"] <= 1.0
    assert spacy.load(path)("play music in london").cats


def test_empty_training_set_is_an_error_that_names_the_file(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    with pytest.raises(BertPluginError, match=r"train\.spacy"):
        train_joint(tmp_path, tiny_checkpoint, rows=[])


@pytest.mark.parametrize("value", ["nowhere/at/all", "./missing"])
def test_missing_checkpoint_is_an_error_before_anything_is_written(
    tmp_path: Path, tiny_checkpoint: Path, value: str
) -> None:
    with pytest.raises(BertPluginError, match=r"missing|nowhere"):
        train_joint(tmp_path, tiny_checkpoint, **{"components.bert_transformer.model.name": value})
    assert not (tmp_path / "model").exists()


def test_folder_of_something_else_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("hello")
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(tmp_path / "notes")}})
    with pytest.raises(CheckpointError, match=r"config\.json"):
        nlp.initialize()


def test_pickled_weights_are_refused_with_the_remedy(tmp_path: Path, tiny_checkpoint: Path) -> None:
    import shutil

    shutil.copytree(tiny_checkpoint, tmp_path / "old")
    (tmp_path / "old" / "model.safetensors").rename(tmp_path / "old" / "pytorch_model.bin")
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(tmp_path / "old")}})
    with pytest.raises(CheckpointError, match="safetensors"):
        nlp.initialize()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_loss_that_explodes_stops_training_and_keeps_a_finite_model(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    from spacy_bert_plugin.errors import TrainingError

    rates = {"training.optimizer.learn_rate.initial_rate": 1e30, "training.max_steps": 50}
    with (
        pytest.warns(UserWarning, match=r"learning rate of 1e\+30"),
        pytest.raises((TrainingError, CheckpointError), match="finite"),
    ):
        train_joint(tmp_path, tiny_checkpoint, **rates)


def test_command_line_names_the_reason(tmp_path: Path, tiny_checkpoint: Path) -> None:
    corpus = write_corpus(tmp_path / "train.spacy", ROWS)
    command = [
        *(sys.executable, "-m", "spacy", "train", str(CONFIG)),
        *("--paths.train", str(corpus), "--paths.dev", str(corpus)),
        *("--components.bert_transformer.model.name", str(tmp_path / "gone")),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode != 0
    assert "gone" in result.stderr
