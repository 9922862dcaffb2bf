"""Pipelines over a tiny encoder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

LISTENER = {"@architectures": "spacy-bert-plugin.BertListener.v1", "upstream": "*"}
PLAY, BOOK = {"PLAY": 1.0, "BOOK": 0.0}, {"PLAY": 0.0, "BOOK": 1.0}
TRAIN: list[tuple[str, dict[str, Any]]] = [
    ("play some music in the kitchen", {"cats": PLAY, "entities": [(23, 30, "ROOM")]}),
    ("book a table in london", {"cats": BOOK, "entities": [(16, 22, "CITY")]}),
    ("play the long movie", {"cats": PLAY, "entities": []}),
    ("please book two for tomorrow in paris", {"cats": BOOK, "entities": [(32, 37, "CITY")]}),
]


def make_ner_model(listener: dict[str, Any] = LISTENER) -> dict[str, Any]:
    return {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 16,
        "maxout_pieces": 2,
        "use_upper": False,
        "tok2vec": listener,
    }


def make_textcat_model(listener: dict[str, Any] = LISTENER) -> dict[str, Any]:
    return {
        "@architectures": "spacy.TextCatReduce.v1",
        "exclusive_classes": True,
        "use_reduce_first": False,
        "use_reduce_last": False,
        "use_reduce_max": False,
        "use_reduce_mean": True,
        "tok2vec": listener,
    }


def make_examples(nlp: Language) -> list[Example]:
    return [Example.from_dict(nlp.make_doc(text), annotations) for text, annotations in TRAIN]


@pytest.fixture
def make_nlp(tiny_checkpoint: Path) -> Callable[..., Language]:
    """Make a blank pipeline with an encoder and, listening to it, textcat and ner."""

    def make(*, heads: bool = True, **config: Any) -> Language:
        spacy.util.fix_random_seed(0)
        nlp = spacy.blank("en")
        model = {"name": str(tiny_checkpoint), "overlap": 8, **config.pop("model", {})}
        nlp.add_pipe("bert_transformer", config={"model": model, **config})
        if heads:
            nlp.add_pipe("textcat", config={"model": make_textcat_model()})
            nlp.add_pipe("ner", config={"model": make_ner_model()})
        return nlp

    return make


@pytest.fixture
def nlp(make_nlp: Callable[..., Language]) -> Language:
    """An initialised pipeline with textcat and ner over one encoder."""
    nlp = make_nlp()
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


CNN = {
    "@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 32, "depth": 1,
    "embed_size": 200, "window_size": 1, "maxout_pieces": 2, "subword_features": True,
}  # fmt: skip


def make_inline(path: Path, **settings: Any) -> dict[str, Any]:
    """Make the config of an encoder of one component's own."""
    return {
        "@architectures": "spacy-bert-plugin.BertEncoder.v1",
        "name": str(path),
        "overlap": 8,
        **settings,
    }


def learn_ner(
    nlp: Language,
    examples: list[Example] | None = None,
    *,
    n_steps: int = 25,
    sgd: Any = None,
    learn_rate: float = 0.005,
) -> list[float]:
    """Initialise unless `sgd` is given, then train. RETURNS: The losses of the last component."""
    examples = make_examples(nlp) if examples is None else examples
    if sgd is None:
        sgd = nlp.initialize(lambda: examples)
        sgd.learn_rate = learn_rate
    name = nlp.pipe_names[-1]
    return [nlp.update(examples, sgd=sgd)[name] for _ in range(n_steps)]


def list_ents(doc: Doc) -> list[tuple[int, int, str, float]]:
    """Start, end, label and confidence of the entities of a Doc."""
    return [(e.start, e.end, e.label_, pytest.approx(e._.confidence, abs=1e-4)) for e in doc.ents]


@pytest.fixture
def make_ner_nlp(make_nlp: Callable[..., Language]) -> Callable[..., Language]:
    """Make a pipeline with bert_ner alone over a shared encoder; not initialised.

    `model` overrides settings of its model, `encoder` those of the encoder's.
    """

    def make(
        model: dict[str, Any] | None = None,
        encoder: dict[str, Any] | None = None,
        **config: Any,
    ) -> Language:
        nlp = make_nlp(heads=False, model=encoder or {})
        nlp.add_pipe("bert_ner", config={"model": model or {}, **config})
        return nlp

    return make


@pytest.fixture
def ner_nlp(make_ner_nlp: Callable[..., Language]) -> Language:
    """A pipeline with bert_ner that knows its training texts by heart."""
    nlp = make_ner_nlp()
    learn_ner(nlp)
    return nlp
