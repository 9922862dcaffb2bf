"""The installed package by itself: this file needs nothing else of the source tree."""

import string
import subprocess
import sys
from importlib.metadata import distribution, requires
from pathlib import Path

import spacy
from spacy.training import Example
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

TEXTS = {"play music in london": "PLAY", "book a table": "BOOK"}
SIZES = {"width": 16, "n_layers": 1, "n_heads": 2, "hidden_width": 32, "n_positions": 140}


def write_tokenizer(path: Path) -> None:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    pieces = [*special, *string.ascii_lowercase, *(f"##{c}" for c in string.ascii_lowercase)]
    vocab = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(path))


def test_pipeline_trains_saves_and_loads(tmp_path: Path) -> None:
    write_tokenizer(tmp_path / "tokenizer.json")
    nlp = spacy.blank("en")
    model = {"name": None, "sizes": SIZES, "tokenizer": str(tmp_path / "tokenizer.json")}
    nlp.add_pipe("bert_transformer", config={"model": model})
    listener = {"@architectures": "spacy-bert-plugin.BertPooledListener.v1", "pooling": "mean"}
    nlp.add_pipe(
        "textcat",
        config={
            "model": {
                "@architectures": "spacy.TextCatReduce.v1",
                "exclusive_classes": True,
                "use_reduce_first": False,
                "use_reduce_last": False,
                "use_reduce_max": False,
                "use_reduce_mean": True,
                "tok2vec": listener,
            }
        },
    )
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": {n: n == label for n in ("PLAY", "BOOK")}})
        for text, label in TEXTS.items()
    ]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(20):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    for doc, other in zip(nlp.pipe(TEXTS), loaded.pipe(TEXTS), strict=True):
        assert doc.cats == other.cats
        assert max(doc.cats, key=doc.cats.get) == TEXTS[doc.text]


def test_command_line_answers() -> None:
    command = [sys.executable, "-m", "spacy", "bert", "info"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "torch" in result.stdout


def test_distribution_is_typed_and_asks_for_ranges() -> None:
    files = {str(file) for file in distribution("spacy-bert-plugin").files or []}
    assert any(name.endswith("spacy_bert_plugin/py.typed") for name in files) or not any(
        name.endswith("about.py") for name in files
    )  # an editable install lists no modules
    assert not any("==" in line.split(";")[0] for line in requires("spacy-bert-plugin") or [])
