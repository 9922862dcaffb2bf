"""Pipelines to check: spaCy's text classifier, as it is and with faults put in."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.pipeline.textcat import TextCategorizer
from spacy.training import Example

from spacy_bert_plugin.checks.texts import GOLD

KindT = type[TextCategorizer]
BOW = {
    "@architectures": "spacy.TextCatBOW.v3",
    "exclusive_classes": True,
    "length": 4096,
    "ngram_size": 1,
    "no_output_layer": False,
}
_numbers = count()


@pytest.fixture
def register() -> Callable[[KindT], str]:
    """Register a kind of textcat. RETURNS: The name of its factory."""

    def register_kind(kind: KindT) -> str:
        name = f"faulty_textcat_{next(_numbers)}"

        @Language.factory(name, default_config={"model": BOW})
        def make(nlp: Language, name: str, model: Any) -> TextCategorizer:
            return kind(nlp.vocab, model, name, threshold=0.5)

        return name

    return register_kind


@pytest.fixture
def textcat_nlp() -> Language:
    """spaCy's text classifier over words."""
    nlp = spacy.blank("en")
    nlp.add_pipe("textcat", config={"model": BOW})
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc(t), gold) for t, gold in GOLD])
    return nlp
