"""Pipelines of spaCy's other transformer libraries, made on the spot."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.training import Example

TRAIN: list[tuple[str, dict[str, Any]]] = [
    ("play some music in the kitchen", {"cats": {"PLAY": 1.0, "BOOK": 0.0},
     "entities": [(23, 30, "ROOM")]}),
    ("book a table in london", {"cats": {"PLAY": 0.0, "BOOK": 1.0},
     "entities": [(16, 22, "CITY")]}),
    ("play the long movie", {"cats": {"PLAY": 1.0, "BOOK": 0.0}, "entities": []}),
    ("please book two for tomorrow in paris", {"cats": {"PLAY": 0.0, "BOOK": 1.0},
     "entities": [(32, 37, "CITY")]}),
]  # fmt: skip
TEXTS = [*(text for text, _ in TRAIN), "", "  book the kitchen\n in new york  ", "good music!"]
OURS = {"@architectures": "spacy-bert-plugin.BertListener.v1"}
THEIRS = {
    "@architectures": "spacy-transformers.TransformerListener.v1",
    "pooling": {"@layers": "reduce_mean.v1"},
    "grad_factor": 1.0,
}
CURATED = {
    "@architectures": "spacy-curated-transformers.LastTransformerLayerListener.v1",
    "pooling": {"@layers": "reduce_mean.v1"},
    "width": 32,
}
NEEDED = {
    "spacy-transformers": "spacy_transformers",
    "spacy-curated": "spacy_curated_transformers",
}


def need(listener: dict[str, Any]) -> None:
    """Skip a test without the library that a listener comes from."""
    for name, module in NEEDED.items():
        if listener["@architectures"].startswith(name):
            pytest.importorskip(module)


def make_examples(nlp: Language) -> list[Example]:
    return [Example.from_dict(nlp.make_doc(text), annotations) for text, annotations in TRAIN]


def add_heads(nlp: Language, listener: dict[str, Any]) -> None:
    textcat = {
        "@architectures": "spacy.TextCatReduce.v1",
        "exclusive_classes": True,
        "use_reduce_first": False,
        "use_reduce_last": False,
        "use_reduce_max": False,
        "use_reduce_mean": True,
        "tok2vec": listener,
    }
    ner = {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 16,
        "maxout_pieces": 2,
        "use_upper": False,
        "tok2vec": listener,
    }
    nlp.add_pipe("textcat", config={"model": textcat})
    nlp.add_pipe("ner", config={"model": ner})


def learn(
    nlp: Language, n_steps: int = 12, *, rate: float = 0.005, **kwargs: Any
) -> list[dict[str, float]]:
    examples = make_examples(nlp)
    spacy.util.fix_random_seed(0)
    sgd = nlp.initialize(lambda: examples)
    sgd.learn_rate = rate
    return [nlp.update(examples, sgd=sgd, **kwargs) for _ in range(n_steps)]


def list_answers(nlp: Language, texts: list[str]) -> list[Any]:
    return [
        ([(e.start_char, e.end_char, e.label_) for e in doc.ents], doc.cats)
        for doc in nlp.pipe(texts)
    ]


@pytest.fixture
def make_ours(tiny_checkpoint: Path) -> Callable[..., Language]:
    """A pipeline of our encoder under textcat and ner with any listener."""

    def make(listener: dict[str, Any], **config: Any) -> Language:
        need(listener)
        spacy.util.fix_random_seed(0)
        nlp = spacy.blank("en")
        nlp.add_pipe(
            "bert_transformer",
            name="transformer",
            config={"model": {"name": str(tiny_checkpoint), "overlap": 8}, **config},
        )
        add_heads(nlp, listener)
        return nlp

    return make


SPANS = {
    "strided": {"@span_getters": "spacy-transformers.strided_spans.v1", "window": 128,
                "stride": 96},
    "doc": {"@span_getters": "spacy-transformers.doc_spans.v1"},
}  # fmt: skip


@pytest.fixture
def make_theirs(tiny_checkpoint: Path) -> Callable[..., Language]:
    """A pipeline of spacy-transformers under textcat and ner, not initialised."""

    def make(spans: str = "strided", listener: dict[str, Any] = THEIRS) -> Language:
        need(THEIRS)
        spacy.util.fix_random_seed(0)
        nlp = spacy.blank("en")
        model = {
            "@architectures": "spacy-transformers.TransformerModel.v3",
            "name": str(tiny_checkpoint),
            "get_spans": SPANS[spans],
            "tokenizer_config": {"use_fast": True},
        }
        nlp.add_pipe("transformer", config={"model": model})
        add_heads(nlp, listener)
        return nlp

    return make
