"""Tiny encoders with random weights, for what is no measurement of speed: no download needed."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import spacy
import torch
from spacy.training import Example

from spacy_bert_plugin.checkpoints import build_checkpoint, save_checkpoint
from spacy_bert_plugin.checkpoints.vocabularies import make_wordpiece
from spacy_bert_plugin.pieces import PieceTokenizer

BOOKING = "book a table in london"
WORDS = ["the", "play", "some", "music", "book", "a", "table", "please", "in", "london", "paris"]
SIZES = {"width": 16, "n_layers": 2, "n_heads": 2, "hidden_width": 32, "n_positions": 64}


def make_tiny_checkpoint(folder: Path, *, seed: int = 0, family: str = "bert") -> Path:
    """Write a Hugging Face folder as somebody else would: without our manifest.

    RETURNS (Path): The folder.
    """
    letters = string.ascii_lowercase + string.digits
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.punctuation, *letters]
    pieces += [*(f"##{letter}" for letter in letters), *WORDS]
    vocabulary = "\n".join(dict.fromkeys(pieces)) + "\n"
    text = make_wordpiece(vocabulary, {}, source="vocab.txt")
    torch.manual_seed(seed)
    checkpoint = build_checkpoint(SIZES, PieceTokenizer.from_json(text), family=family)
    save_checkpoint(checkpoint, folder)
    (folder / "manifest.json").unlink()
    return folder


def make_pipeline(encoder: Path, *, seed: int) -> Any:
    """Make an initialised pipeline with an encoder and two heads."""
    spacy.util.fix_random_seed(seed)
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(encoder), "overlap": 8}})
    nlp.add_pipe("bert_ner")
    nlp.add_pipe("bert_textcat")
    annotation = {"cats": {"PLAY": 0.0, "BOOK": 1.0}, "entities": [(16, 22, "CITY")]}
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc(BOOKING), annotation)])
    return nlp
