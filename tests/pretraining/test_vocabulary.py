"""Vocabularies that are trained, and checkpoints that get more words."""

import json
from pathlib import Path

import pytest
import torch

from spacy_bert_plugin.errors import DataError, SettingError
from spacy_bert_plugin.pieces import PieceTokenizer
from spacy_bert_plugin.pretraining.encoders import make_model
from spacy_bert_plugin.pretraining.extend import extend_model, find_words
from spacy_bert_plugin.pretraining.frame import make_frame
from spacy_bert_plugin.pretraining.settings import EncoderChoice
from spacy_bert_plugin.pretraining.vocabulary import VocabularySettings, train_vocabulary

TEXTS = ["Der Wal schwimmt im Meer, der große Wal!", "Ein Wal und noch ein Wal. 我们 我"] * 20


def name_pieces(tokenizer: PieceTokenizer, text: str) -> list[str]:
    return [tokenizer.name_piece(int(i)) for i in tokenizer.encode([text])[0].ids]


def write(files: dict[str, str], folder: Path) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf8")
    return folder


def test_wordpiece_of_transformers_is_the_same(tmp_path: Path) -> None:
    from transformers import AutoTokenizer, BertTokenizerFast

    files = train_vocabulary(TEXTS, VocabularySettings(size=120, max_pieces=64))
    ours = PieceTokenizer.from_json(files["tokenizer.json"])
    assert ours.vocab_size <= 120
    names = [ours.name_piece(index) for index in range(5)]
    assert names == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert name_pieces(ours, "Der WAL") == ["der", "wal"]
    assert name_pieces(ours, "我们") == ["我", "们"]
    folder = write(files, tmp_path / "v")
    auto = AutoTokenizer.from_pretrained(folder)
    slow = BertTokenizerFast(vocab=str(folder / "vocab.txt"), vocab_file=str(folder / "vocab.txt"))
    for text in ("Der große Wal [MASK]", "Walmeer 我 x", ""):
        plain = text.replace("[MASK]", "")
        expected = [*ours.prefix_ids, *ours.encode([plain])[0].ids.tolist(), *ours.suffix_ids]
        assert auto(plain)["input_ids"] == expected
        assert slow(plain)["input_ids"] == expected
    assert auto.mask_token == "[MASK]"
    assert auto.model_max_length == 64
    assert make_frame(ours).middle == (3,)


def test_capitals_and_chinese_words_can_be_kept() -> None:
    settings = VocabularySettings(size=150, use_capitals=True, split_chinese=False)
    tokenizer = PieceTokenizer.from_json(train_vocabulary(TEXTS, settings)["tokenizer.json"])
    assert name_pieces(tokenizer, "Wal") == ["Wal"]
    assert name_pieces(tokenizer, "große") != name_pieces(tokenizer, "grosse")
    assert name_pieces(tokenizer, "我们") in (["我们"], ["我", "##们"])


def test_byte_level_pieces(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    files = train_vocabulary(TEXTS, VocabularySettings(kind="bpe", size=300))
    tokenizer = PieceTokenizer.from_json(files["tokenizer.json"])
    assert tokenizer.vocab_size == 300
    assert "ĠWal" in name_pieces(tokenizer, "Der Wal 🐳")
    auto = AutoTokenizer.from_pretrained(write(files, tmp_path / "v"))
    text = "Der Wal 🐳"
    ids = tokenizer.encode([text])[0].ids.tolist()
    assert auto(text)["input_ids"] == [*tokenizer.prefix_ids, *ids, *tokenizer.suffix_ids]
    assert auto.decode(ids) == text
    frame = make_frame(tokenizer)
    assert (frame.prefix, frame.middle, frame.suffix) == ((0,), (2, 2), (2,))


def test_vocabularies_that_cannot_be() -> None:
    with pytest.raises(DataError, match="no text"):
        train_vocabulary([], VocabularySettings())
    with pytest.raises(SettingError, match=r"too small.*Raise --size"):
        train_vocabulary(TEXTS, VocabularySettings(size=10))
    with pytest.raises(SettingError, match="too small"):
        train_vocabulary(TEXTS, VocabularySettings(kind="bpe", size=200))
    for name, value in (("kind", "unigram"), ("size", 0), ("min_count", 0)):
        with pytest.raises(SettingError, match=name):
            VocabularySettings(**{name: value})  # type: ignore[arg-type]


def test_new_words_begin_as_the_mean_of_their_pieces(tiny_checkpoint: Path) -> None:
    model = make_model(EncoderChoice(name=str(tiny_checkpoint)), use_words=True, use_pairs=True)
    tokenizer = model.checkpoint.tokenizer
    texts = ["the Whale saw a whale", "shark and whale", "shark? \u3042\u3042 \u3042\u3042"]
    extension = find_words(texts, tokenizer, n_words=5, min_count=2, name="tiny")
    assert extension.words == (("whale", 3), ("shark", 2))
    assert name_pieces(extension.tokenizer, "a Whale") == ["a", "whale"]
    assert name_pieces(extension.tokenizer, "the music") == name_pieces(tokenizer, "the music")
    larger = extend_model(model, extension)
    old = model.state_dict()
    new = larger.state_dict()
    for key in ("encoder.embeddings.pieces.weight", "words.bias"):
        n = tokenizer.vocab_size
        assert torch.equal(new[key][:n], old[key])
        mean = old[key][tokenizer.encode(["whale"])[0].ids].mean(0)
        torch.testing.assert_close(new[key][n], mean)
        assert len(new[key]) == 160
    changed = {"encoder.embeddings.pieces.weight", "words.bias"}
    assert all(torch.equal(new[key], old[key]) for key in set(old) - changed)
    assert larger.checkpoint.config.raw["vocab_size"] == 160
    one = find_words(texts, tokenizer, n_words=1, min_count=1, name="tiny")
    assert one.words == (("whale", 3),)


def test_vocabularies_that_cannot_be_extended(tokenizer_json: str) -> None:
    from tests.conftest import make_byte_bpe_tokenizer

    tokenizer = PieceTokenizer.from_json(tokenizer_json)
    with pytest.raises(SettingError, match=r"No word.*at least 3 times"):
        find_words(["whale whale", "the music"], tokenizer, n_words=5, min_count=3, name="tiny")
    bpe = PieceTokenizer.from_json(make_byte_bpe_tokenizer().to_str())
    with pytest.raises(SettingError, match=r"Only WordPiece.*BPE"):
        find_words(["a"], bpe, n_words=5, min_count=1, name="tiny")


def test_all_special_pieces_are_in_the_files() -> None:
    files = train_vocabulary(TEXTS, VocabularySettings(size=120))
    settings = json.loads(files["tokenizer_config.json"])
    assert settings["do_lower_case"] is True
    assert settings["cls_token"] == "[CLS]"
    assert files["vocab.txt"].startswith("[PAD]\n[UNK]\n")
