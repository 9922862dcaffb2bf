"""A corpus as numbers on disk."""

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spacy_bert_plugin.errors import CheckpointError, DataError
from spacy_bert_plugin.pieces import PieceTokenizer
from spacy_bert_plugin.pretraining import Passage
from spacy_bert_plugin.pretraining import store as store_module
from spacy_bert_plugin.pretraining.store import PieceStore, make_store, open_store
from tests.conftest import make_byte_bpe_tokenizer

MakeStoreT = Callable[..., PieceStore]


def test_every_sentence_comes_back(store_of: MakeStoreT, tokenizer: PieceTokenizer) -> None:
    documents = [["play some music", "good"], ["\u200b", "rain in london"], ["hello"]]
    store = store_of(*documents)
    assert (store.n_passages, store.n_documents) == (3, 3)
    texts = [[s for s in sentences if s != "\u200b"] for sentences in documents]
    for passage, sentences in enumerate(texts):
        borders = store.find_borders(passage)
        assert len(borders) == len(sentences) + 1
        for sentence, begin, end in zip(sentences, borders, borders[1:], strict=False):
            assert store.pieces[begin:end].tolist() == tokenizer.encode([sentence])[0].ids.tolist()
    assert store.pieces.dtype == np.uint16


def test_passages_of_one_document(tokenizer: PieceTokenizer, tmp_path: Path) -> None:
    passages = [Passage(0, ("hello",)), Passage(0, ("world",)), Passage(3, ("good",))]
    seen: list[int] = []
    store = make_store(passages, tokenizer, tmp_path / "s", key="k", progress=seen.append)
    assert (store.n_passages, store.n_documents) == (3, 2)
    assert sum(seen) == len(store.pieces) == 3


def test_it_is_opened_again_if_it_is_the_same(
    tokenizer: PieceTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s"
    assert open_store(path, key="k") is None
    monkeypatch.setattr(store_module, "N_AT_ONCE", 2)
    passages = [Passage(n, ("hello world", "good")) for n in range(5)]
    made = make_store(passages, tokenizer, path, key="k")
    again = open_store(path, key="k")
    assert again is not None
    assert again.digest == made.digest
    assert (again.pieces == made.pieces).all()
    assert open_store(path, key="other") is None
    other = make_store(passages[:4], tokenizer, path, key="k")
    assert other.digest != made.digest
    (path / "store.json").write_text("{}", encoding="utf8")
    assert open_store(path, key="k") is None


def test_words_of_byte_level_pieces_keep_their_space(tmp_path: Path) -> None:
    tokenizer = PieceTokenizer.from_json(make_byte_bpe_tokenizer().to_str())
    store = make_store([Passage(0, ("the", "the"))], tokenizer, tmp_path / "s", key="k")
    names = [tokenizer.name_piece(int(index)) for index in store.pieces]
    assert names == ["t", "he", "Ġthe"]


def test_an_empty_corpus_leaves_no_folder(tokenizer: PieceTokenizer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no text"):
        make_store([], tokenizer, tmp_path / "s", key="k")
    with pytest.raises(DataError, match="no text"):
        make_store([Passage(0, ("\u200b",))], tokenizer, tmp_path / "s", key="k")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_what_was_there(
    store_of: MakeStoreT, tokenizer: PieceTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store_of(["hello"]).digest

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_module._Writer, "add", fail)
    with pytest.raises(CheckpointError, match="No space left"):
        store_of(["hello", "world"])
    found = open_store(tmp_path / "store", key="test")
    assert found is not None
    assert found.digest == before
    assert len(list(tmp_path.iterdir())) == 1
