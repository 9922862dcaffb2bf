"""Tokenizers that exist in Python only, or only for the sentencepiece library."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_checkpoints import ROBERTA_VOCAB, VOCAB_TXT, make_tokenizer

from spacy_bert_plugin.checkpoints import read_tokenizer
from spacy_bert_plugin.checkpoints.tokenizer_classes import PYTHON_ONLY
from spacy_bert_plugin.errors import CheckpointError

SAMPLE = "the quick brown fox jumps over the lazy dog , and a cat sees it . " * 3


@pytest.mark.parametrize("ending", ["Tokenizer", "TokenizerFast"])
@pytest.mark.parametrize("settings", ["tokenizer_config.json", "config.json"])
@pytest.mark.parametrize("kind", sorted(PYTHON_ONLY))
def test_classes_that_are_refused(tmp_path: Path, kind: str, settings: str, ending: str) -> None:
    (tmp_path / "vocab.txt").write_text(VOCAB_TXT, encoding="utf8")
    (tmp_path / settings).write_text(json.dumps({"tokenizer_class": kind + ending}))
    with pytest.raises(CheckpointError, match=rf"{settings}.*{kind}{ending}.*{PYTHON_ONLY[kind]}"):
        read_tokenizer(tmp_path)
    # With tokenizer.json there is nothing to guess.
    (tmp_path / "tokenizer.json").write_text(make_tokenizer().json, encoding="utf8")
    assert read_tokenizer(tmp_path).vocab_size == len(VOCAB_TXT.split())


@pytest.mark.parametrize(
    "settings",
    [
        {"tokenizer_class": "BertTokenizer"},
        {"tokenizer_class": "ElectraTokenizerFast"},
        {"tokenizer_class": None},
        {"tokenizer_class": 3, "auto_map": {}},
        {"auto_map": {"AutoModel": "own.Model"}},
    ],
)
def test_other_classes_are_read(tmp_path: Path, settings: dict[str, object]) -> None:
    (tmp_path / "vocab.txt").write_text(VOCAB_TXT, encoding="utf8")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    assert read_tokenizer(tmp_path).vocab_size == len(VOCAB_TXT.split())


def test_tokenizers_that_come_as_code_are_refused(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text(VOCAB_TXT, encoding="utf8")
    settings = {"auto_map": {"AutoTokenizer": ["own.Tokenizer", None]}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(CheckpointError, match=r"of its own.*code that comes with"):
        read_tokenizer(tmp_path)


def test_merges_that_are_not_byte_level(tmp_path: Path) -> None:
    vocab = {**json.loads(ROBERTA_VOCAB), "b</w>": 8, "ab</w>": 9}
    (tmp_path / "vocab.json").write_text(json.dumps(vocab))
    (tmp_path / "merges.txt").write_text("#version: 0.2\na b</w>\n")
    with pytest.raises(CheckpointError, match=r"ends of words.*AutoTokenizer"):
        read_tokenizer(tmp_path)


def find_command(message: str) -> str:
    """Take the program out of the command that a message gives."""
    found = re.search(r'python -c "(.*?)"', message)
    assert found is not None
    return found.group(1)


def test_the_command_that_converts_works(tmp_path: Path) -> None:
    family, file = "deberta-v2", "spm.model"
    sentencepiece = pytest.importorskip("sentencepiece")
    pytest.importorskip("google.protobuf")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([SAMPLE]), model_writer=model, vocab_size=34, minloglevel=2
    )
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / file).write_bytes(model.getvalue())
    sizes = {"hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": 60}
    (source / "config.json").write_text(json.dumps({"model_type": family, **sizes}))
    with pytest.raises(CheckpointError, match=rf"{file}.*sentencepiece protobuf") as caught:
        read_tokenizer(source)
    program = find_command(str(caught.value))
    program = program.replace("SOURCE", str(source)).replace("TARGET", str(target))
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, timeout=120)
    tokenizer = read_tokenizer(target)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    text = "the lazy fox, and a dog"
    names = [tokenizer.name_piece(i) for i in tokenizer.encode([text])[0].ids.tolist()]
    assert names == processor.encode(text, out_type=str)
