"""An encoder made on the spot: its vocabulary from texts, its weights from a seed."""

import json
from collections import Counter
from pathlib import Path

import make_encoder
import pytest
import spacy
import torch
from spacy.tokens import DocBin

from spacy_bert_plugin.checkpoints import LoadedCheckpoint, load_checkpoint

SIZES = {"vocab_size": 60, "width": 8, "n_layers": 1, "n_heads": 2, "max_pieces": 32}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    nlp = spacy.blank("zh")
    texts = ["北京是首都。", "北京在北方。", "上海不是首都,Shanghai Shanghai 1999 1999。"]
    DocBin(docs=[nlp.make_doc(text) for text in texts]).to_disk(tmp_path / "data.spacy")
    return tmp_path / "data.spacy"


def make(data: Path, folder: Path, *, seed: int) -> LoadedCheckpoint:
    n_pieces = make_encoder.make_encoder(data, folder, seed=seed, **SIZES)
    made = load_checkpoint(folder)
    assert n_pieces == made.tokenizer.vocab_size == made.encoder.config.vocab_size
    return made


def test_a_chinese_character_is_a_piece(data: Path, tmp_path: Path) -> None:
    made = make(data, tmp_path / "encoder", seed=0)
    tokenizer = made.tokenizer
    (pieces,) = tokenizer.encode(["北京首都"])
    vocab = json.loads(tokenizer.json)["model"]["vocab"]
    assert pieces.ids.tolist() == [vocab[character] for character in "北京首都"]
    assert pieces.offsets.tolist() == [[0, 1], [1, 2], [2, 3], [3, 4]]
    # Seen once, and never seen: both unknown
    (rare,) = tokenizer.encode(["方魚"])
    assert rare.ids.tolist() == [tokenizer.unk_id] * 2
    (latin,) = tokenizer.encode(["Shanghai"])
    assert tokenizer.unk_id not in latin.ids.tolist()
    assert (made.encoder.config.max_pieces, made.encoder.config.width) == (32, 8)


def test_the_same_seed_gives_the_same_folder(data: Path, tmp_path: Path) -> None:
    one, two, other = (
        make(data, tmp_path / name, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert one.tokenizer.json == two.tokenizer.json == other.tokenizer.json
    weights = [each.encoder.state_dict() for each in (one, two, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert any(not torch.equal(weights[0][name], weights[2][name]) for name in weights[0])
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text(encoding="utf8"))
    assert manifest == json.loads((tmp_path / "b" / "manifest.json").read_text(encoding="utf8"))


def test_pieces_by_frequency() -> None:
    words = Counter({"ab": 3, "ac": 2, "b": 1, "cc": 1})
    assert make_encoder.choose_pieces(words) == [
        *make_encoder.SPECIAL,
        *("a", "##b", "##c"),  # b and c begin one word each
        *("ab", "ac"),
    ]


def test_no_texts(tmp_path: Path) -> None:
    DocBin().to_disk(tmp_path / "none.spacy")
    made = make(tmp_path / "none.spacy", tmp_path / "encoder", seed=0)
    assert made.tokenizer.vocab_size == len(make_encoder.SPECIAL)


def test_no_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        make_encoder.main(tmp_path / "none.spacy", tmp_path / "encoder")
    assert "There is no" in capsys.readouterr().out
