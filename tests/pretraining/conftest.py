"""A tiny corpus, a vocabulary for it, and what is made of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confection import Config

from spacy_bert_plugin.pieces import PieceTokenizer
from spacy_bert_plugin.pretraining import Passage
from spacy_bert_plugin.pretraining.frame import Frame, make_frame
from spacy_bert_plugin.pretraining.store import PieceStore, make_store
from tests.pretraining.tiny_corpus import write_text

MakeStoreT = Callable[..., PieceStore]


@pytest.fixture(scope="session")
def tokenizer(tokenizer_json: str) -> PieceTokenizer:
    return PieceTokenizer.from_json(tokenizer_json)


@pytest.fixture(scope="session")
def frame(tokenizer: PieceTokenizer) -> Frame:
    return make_frame(tokenizer)


@pytest.fixture
def store_of(tokenizer: PieceTokenizer, tmp_path: Path) -> MakeStoreT:
    """Make a store of documents, each a list of sentences."""

    def make(*documents: list[str], name: str = "store") -> PieceStore:
        passages = [Passage(n, tuple(sentences)) for n, sentences in enumerate(documents)]
        return make_store(passages, tokenizer, tmp_path / name, key="test")

    return make


@pytest.fixture
def config_of(tmp_path: Path, tokenizer_json: str) -> Callable[..., Config]:
    """Make the config of a tiny run; values by dotted name replace those of the shipped one."""
    (tmp_path / "train.txt").write_text(write_text(0), encoding="utf8")
    (tmp_path / "dev.txt").write_text(write_text(1, n_documents=3), encoding="utf8")
    (tmp_path / "tokenizer.json").write_text(tokenizer_json, encoding="utf8")
    shipped = Path(__file__).parents[2] / "configs" / "pretraining" / "pretrain.cfg"

    def make(**overrides: Any) -> Config:
        values = {
            "paths.train": str(tmp_path / "train.txt"),
            "paths.dev": str(tmp_path / "dev.txt"),
            "paths.tokenizer": str(tmp_path / "tokenizer.json"),
            "corpora.train.documents": "blank",
            "corpora.train.sentences": "lines",
            "pretraining.max_steps": 6,
            "pretraining.eval_frequency": 3,
            "pretraining.step_pieces": 200,
            "pretraining.batch_pieces": 128,
            "pretraining.max_pieces": 32,
            "pretraining.precision": "fp32",
            "pretraining.encoder.sizes.width": 32,
            "pretraining.encoder.sizes.n_layers": 2,
            "pretraining.encoder.sizes.n_positions": 64,
            "pretraining.optimizer.learn_rate.warmup": 0,
            **{key.replace("__", "."): value for key, value in overrides.items()},
        }
        if "pretraining.optimizer.learn_rate" in values:  # a number in the place of the section
            del values["pretraining.optimizer.learn_rate.warmup"]
        return Config().from_disk(shipped, overrides=values, interpolate=False)

    return make
