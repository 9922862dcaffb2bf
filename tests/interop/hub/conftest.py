"""A hub that takes uploads, and a small pipeline to upload."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import spacy
import writable_hub
from spacy.training import Example


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[writable_hub.WritableHub]:
    """The hub that HF_ENDPOINT names, with a token that may write as "owner"."""
    from huggingface_hub import constants

    with writable_hub.serve() as hub:
        # What HF_ENDPOINT does when the client is imported.
        monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
        monkeypatch.setenv("HF_TOKEN", "hf_writer")
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        # No token of the person who runs the tests is read.
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        yield hub


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """A pipeline of three components, as nlp.to_disk wrote it."""
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(tiny_checkpoint), "overlap": 8}})
    nlp.add_pipe("bert_ner")
    nlp.add_pipe("bert_textcat")
    gold = {"cats": {"PLAY": 1.0, "BOOK": 0.0}, "entities": [(23, 30, "ROOM")]}
    examples = [Example.from_dict(nlp.make_doc("play some music in the kitchen"), gold)]
    nlp.initialize(lambda: examples)
    nlp.meta.update(name="rooms", version="1.2.3", license="MIT", description="Rooms | music.")
    nlp.meta["performance"] = {"ents_f": 0.875, "cats_acc": 1, "speed": 9.0, "cats_desc": "acc"}
    path = tmp_path_factory.mktemp("hub") / "pipeline"
    nlp.to_disk(path)
    return path


@pytest.fixture
def pipeline(tmp_path: Path, saved: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(saved, tmp_path / "pipeline"))
