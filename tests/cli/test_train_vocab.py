import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spacy_bert_plugin.checkpoints import load_checkpoint, read_tokenizer

RunT = Callable[..., Any]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "texts"
    path.mkdir()
    (path / "a.txt").write_text("The whale swims. The whale sleeps.\n" * 5, encoding="utf8")
    row = {"body": "A shark and a whale."}
    (path / "b.jsonl").write_text(json.dumps(row) + "\n", encoding="utf8")
    return path


def test_a_vocabulary_is_trained(run: RunT, corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "vocabulary"
    done = run("train-vocab", corpus, output, "--size", 80, "--text-key", "body")
    assert done.code == 0, done.raw
    tokenizer = read_tokenizer(output)
    assert f"{tokenizer.vocab_size} pieces are in" in done.text
    assert tokenizer.find_id("whale") is not None
    refused = run("train-vocab", corpus, output, "--text-key", "body")
    assert refused.code == 1
    assert "--force" in refused.text
    again = run("train-vocab", corpus / "a.txt", output, "--size", 300, "--kind", "bpe", "--force")
    assert again.code == 0, again.raw
    assert (output / "merges.txt").exists()
    assert not (output / "vocab.txt").exists()


def test_several_inputs_and_capitals(run: RunT, corpus: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.txt"
    more.write_text("Ahab hunts. Ahab.\n" * 4, encoding="utf8")
    output = tmp_path / "vocabulary"
    done = run("train-vocab", corpus / "a.txt", more, output, "--cased", "--size", 90)
    assert done.code == 0, done.raw
    tokenizer = read_tokenizer(output)
    assert tokenizer.find_id("Ahab") is not None
    assert tokenizer.find_id("ahab") is None


def test_a_checkpoint_gets_more_words(
    run: RunT, corpus: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    output = tmp_path / "larger"
    done = run("train-vocab", corpus / "a.txt", output, "--extend", tiny_checkpoint, "--size", 1)
    assert done.code == 0, done.raw
    assert "1 words were added" in done.text
    assert "whale" in done.text
    checkpoint = load_checkpoint(output, is_own=True)
    assert checkpoint.tokenizer.find_id("whale") == 158
    assert checkpoint.encoder.config.vocab_size == 160


def test_nothing_is_left_after_an_error(run: RunT, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n", encoding="utf8")
    failed = run("train-vocab", tmp_path / "empty.txt", tmp_path / "out")
    assert failed.code == 1
    assert "no text" in failed.text
    (tmp_path / "bad.txt").write_bytes(b"ok\n\xff\n")
    failed = run("train-vocab", tmp_path / "bad.txt", tmp_path / "out")
    assert failed.code == 1
    assert "bad.txt, line 2" in failed.text
    assert not (tmp_path / "out").exists()
