"""Small pipelines with heads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.training import Example

TEXTS = ["play some music in the kitchen", "book a table in london, please", "Rain?", " \n "]
TRAIN: list[tuple[str, dict[str, Any]]] = [
    (TEXTS[0], {"cats": {"PLAY": 1.0, "BOOK": 0.0}, "entities": [(23, 30, "ROOM")]}),
    (TEXTS[1], {"cats": {"PLAY": 0.0, "BOOK": 1.0}, "entities": [(16, 22, "CITY")]}),
]


@pytest.fixture
def make_nlp(tiny_checkpoint: Path) -> Callable[..., Language]:
    """Make an initialised pipeline with bert_ner and bert_textcat over one encoder.

    Windows are short, so that texts of a few words have several. Weights of the heads are random,
    none is zero.
    """

    def make(
        *, ner: dict[str, Any] | None = None, textcat: dict[str, Any] | None = None, **encoder: Any
    ) -> Language:
        nlp = spacy.blank("en")
        model = {"name": str(tiny_checkpoint), "overlap": 2, "max_pieces": 12, **encoder}
        nlp.add_pipe("bert_transformer", config={"model": model})
        nlp.add_pipe("bert_ner", config={"model": ner or {}})
        nlp.add_pipe("bert_textcat", config={"model": textcat or {}})
        nlp.initialize(lambda: [Example.from_dict(nlp.make_doc(t), a) for t, a in TRAIN])
        randomize(nlp)
        return nlp

    return make


def randomize(nlp: Language) -> None:
    """Give every weight of the heads a value that shows whether it was left out."""
    torch.manual_seed(0)
    for name in ("bert_ner", "bert_textcat"):
        for param in nlp.get_pipe(name).model.shims[0].module.parameters():
            torch.nn.init.normal_(param, std=0.3)


@pytest.fixture
def nlp(make_nlp: Callable[..., Language]) -> Language:
    """The pipeline with settings as they come."""
    return make_nlp()
