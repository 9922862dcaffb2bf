"""Tokenizers from every kind of file, and which ones do not belong to an encoder."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_checkpoints import ROBERTA_MERGES, ROBERTA_VOCAB, VOCAB_TXT, make_tokenizer

from spacy_bert_plugin.checkpoints import load_checkpoint, read_tokenizer
from spacy_bert_plugin.checkpoints.vocabularies import make_wordpiece, read_settings
from spacy_bert_plugin.errors import CheckpointError, CheckpointNotFoundError
from spacy_bert_plugin.pieces import PieceTokenizer

TEXTS = ["", " ", "the houses.", "The HOUSE", "Café naïve", "中文 ab", "a\tb\n", "[SEP] x", "zz9!"]


def encode(tokenizer: PieceTokenizer) -> list[list[int]]:
    return [pieces.ids.tolist() for pieces in tokenizer.encode(TEXTS)]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"do_lower_case": False},
        {"do_lower_case": True, "strip_accents": False},
        {"do_lower_case": False, "strip_accents": True},
        {"tokenize_chinese_chars": False},
    ],
)
def test_vocab_txt_equals_the_reference(tmp_path: Path, settings: dict[str, Any]) -> None:
    from transformers import BertTokenizerFast

    (tmp_path / "vocab.txt").write_text(VOCAB_TXT, encoding="utf8")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf8")
    reference = BertTokenizerFast.from_pretrained(str(tmp_path), **settings)
    tokenizer = read_tokenizer(tmp_path)
    # Text that looks like a special piece is plain text here, and is not in the reference.
    texts = [text for text in TEXTS if "[" not in text]
    found = [pieces.ids.tolist() for pieces in tokenizer.encode(texts)]
    assert found == [reference(text, add_special_tokens=False).input_ids for text in texts]
    whole = reference("ab").input_ids
    assert [*tokenizer.prefix_ids, *tokenizer.encode(["ab"])[0].ids, *tokenizer.suffix_ids] == whole
    assert (tokenizer.pad_id, tokenizer.unk_id) == (0, 1)


@pytest.mark.parametrize("use_space", [False, True])
def test_byte_bpe_equals_the_reference(tmp_path: Path, use_space: bool) -> None:
    from transformers import RobertaTokenizerFast

    vocab = {**json.loads(ROBERTA_VOCAB), "Ġ": 8, "Ġab": 9, "Ã": 10, "©": 11}
    (tmp_path / "vocab.json").write_text(json.dumps(vocab), encoding="utf8")
    (tmp_path / "merges.txt").write_text(ROBERTA_MERGES + "Ġ ab\n", encoding="utf8")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"add_prefix_space": use_space}))
    reference = RobertaTokenizerFast.from_pretrained(str(tmp_path), add_prefix_space=use_space)
    tokenizer = read_tokenizer(tmp_path)
    texts = ["", "ab", "ab ab", " abé b", "b  a"]
    found = tokenizer.encode(texts)
    expected = [reference(t, add_special_tokens=False, return_offsets_mapping=True) for t in texts]
    assert [pieces.ids.tolist() for pieces in found] == [one.input_ids for one in expected]
    assert (tokenizer.prefix_ids, tokenizer.suffix_ids, tokenizer.pad_id) == ((0,), (2,), 1)


@pytest.mark.parametrize(("piece", "use_lower"), [("house", True), ("House", False)])
def test_case_is_seen_in_the_vocabulary(piece: str, use_lower: bool) -> None:
    text = make_wordpiece(VOCAB_TXT + f"{piece}x\n", {}, source="vocab.txt")
    assert json.loads(text)["normalizer"]["lowercase"] is use_lower


def test_a_file_of_a_tokenizer(tmp_path: Path) -> None:
    tokenizer = make_tokenizer()
    (tmp_path / "any.json").write_text(tokenizer.json, encoding="utf8")
    (tmp_path / "vocab.txt").write_text(
        VOCAB_TXT.replace("\n", "\r\n"), encoding="utf8", newline=""
    )
    assert encode(read_tokenizer(tmp_path / "any.json")) == encode(tokenizer)
    assert encode(read_tokenizer(tmp_path / "vocab.txt")) == encode(tokenizer)
    with pytest.raises(CheckpointNotFoundError, match="nothing"):
        read_tokenizer(tmp_path / "nothing")


def test_tokenizer_json_is_kept_byte_for_byte(tmp_path: Path) -> None:
    text = json.dumps(json.loads(make_tokenizer().json), indent=3) + "\n\n"
    (tmp_path / "tokenizer.json").write_text(text, encoding="utf8")
    (tmp_path / "vocab.txt").write_text("not read", encoding="utf8")
    assert read_tokenizer(tmp_path).json == text


@pytest.mark.parametrize("name", ["sentencepiece.bpe.model", "spm.model", "spiece.model"])
def test_sentencepiece_alone_names_the_conversion(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x0a\x0e")
    with pytest.raises(CheckpointError, match=rf"{name}.*save_pretrained"):
        read_tokenizer(tmp_path)


@pytest.mark.parametrize("files", [[], ["vocab.json"], ["merges.txt"], ["config.json"]])
def test_no_tokenizer(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        (tmp_path / name).write_text("{}", encoding="utf8")
    with pytest.raises(CheckpointError, match="has no tokenizer"):
        read_tokenizer(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"model": {"type": "WordPiece"}}', "\0"])
def test_damaged_tokenizer_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "tokenizer.json").write_text(text, encoding="utf8")
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        read_tokenizer(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("vocab.txt", "", "unk_token"),
        ("vocab.txt", VOCAB_TXT.replace("[CLS]", "[C]"), "cls_token"),
        ("vocab.json", '{"<s>": 0, "</s>": 0, "<unk>": 1}', "same id"),
        ("vocab.json", '{"<s>": 0, "</s>": -1, "<unk>": 2}', "'</s>' has the id '-1'"),
        ("vocab.json", '{"<s>": 0, "</s>": "1", "<unk>": 2}', "'</s>'"),
        ("vocab.json", '{"<s>": 0, "</s>": 99999999999, "<unk>": 2}', "'</s>'"),
        ("vocab.json", '{"<s>": 0, "<unk>": 2, "ab": 3}', "sep_token"),
        ("vocab.json", '{"a": 0, "a": 1}', "twice"),
        ("merges.txt", "a b c\n", "line 1"),
        ("merges.txt", "#version: 0.2\nab\n", "line 2"),
        ("merges.txt", "#version: 0.2\na b\nb b\n", "line 3"),
        ("tokenizer_config.json", '{"do_lower_case": "yes"}', "do_lower_case"),
        ("special_tokens_map.json", '{"unk_token": 3}', "unk_token"),
        ("special_tokens_map.json", "[]", "special_tokens_map"),
    ],
)
def test_damaged_vocabularies(tmp_path: Path, name: str, content: str, problem: str) -> None:
    if name != "vocab.txt":
        (tmp_path / "vocab.json").write_text(ROBERTA_VOCAB, encoding="utf8")
        (tmp_path / "merges.txt").write_text(ROBERTA_MERGES, encoding="utf8")
    (tmp_path / name).write_text(content, encoding="utf8")
    with pytest.raises(CheckpointError, match=problem):
        read_tokenizer(tmp_path)


def test_only_known_settings_are_read() -> None:
    data = {
        "tokenizer_class": "Evil",
        "auto_map": {"AutoTokenizer": "evil.Tokenizer"},
        "do_lower_case": True,
        "cls_token": {"content": "[CLS]", "__type": "AddedToken"},
        "model_max_length": 10**30,
        "sep_token": None,
    }
    assert read_settings(data, source="x") == {"do_lower_case": True, "cls_token": "[CLS]"}


def test_names_of_special_pieces_come_from_the_settings(tmp_path: Path) -> None:
    vocab = VOCAB_TXT.replace("[CLS]", "<cls>").replace("[SEP]", "<sep>")
    (tmp_path / "vocab.txt").write_text(vocab, encoding="utf8")
    names = {"cls_token": "<cls>", "sep_token": {"content": "<sep>"}}
    (tmp_path / "special_tokens_map.json").write_text(json.dumps(names), encoding="utf8")
    tokenizer = read_tokenizer(tmp_path)
    assert (tokenizer.prefix_ids, tokenizer.suffix_ids) == ((2,), (3,))


def test_more_ids_than_rows(hub_folder: Path) -> None:
    text = make_wordpiece(VOCAB_TXT + "extra\n", {}, source="vocab.txt")
    (hub_folder / "tokenizer.json").write_text(text, encoding="utf8")
    n = len(VOCAB_TXT.split())
    with pytest.raises(CheckpointError, match=rf"ids up to {n}, .*0 to {n - 1} only"):
        load_checkpoint(hub_folder)


def test_fewer_ids_than_rows_are_fine(hub_folder: Path) -> None:
    text = make_wordpiece("\n".join(VOCAB_TXT.split()[:-2]), {}, source="vocab.txt")
    (hub_folder / "tokenizer.json").write_text(text, encoding="utf8")
    loaded = load_checkpoint(hub_folder)
    assert loaded.tokenizer.vocab_size == loaded.encoder.config.vocab_size - 2


def test_padding_of_another_family(hub_folder: Path) -> None:
    (hub_folder / "tokenizer.json").write_text(make_tokenizer("roberta").json, encoding="utf8")
    with pytest.raises(CheckpointError, match=r"another model.*id 1, config\.json says 0"):
        load_checkpoint(hub_folder)


def test_vocab_txt_beside_another_tokenizer(hub_folder: Path) -> None:
    (hub_folder / "vocab.txt").write_text(VOCAB_TXT, encoding="utf8")
    load_checkpoint(hub_folder)
    lines = VOCAB_TXT.split()
    mixed = [*lines[:5], *reversed(lines[5:])]
    (hub_folder / "vocab.txt").write_text("\n".join(mixed), encoding="utf8")
    with pytest.raises(CheckpointError, match=r"another model.*vocab\.txt"):
        load_checkpoint(hub_folder)


def test_own_folder_with_the_tokenizer_of_another(own_folder: Path, tmp_path: Path) -> None:
    other = make_tokenizer().json.replace("house", "mouse")
    (own_folder / "tokenizer.json").write_text(other, encoding="utf8")
    with pytest.raises(CheckpointError, match=r"tokenizer\.json.*SHA-256"):
        load_checkpoint(own_folder, is_own=True)
    shutil.rmtree(own_folder)
