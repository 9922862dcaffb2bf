"""One small pipeline with heads of ours and of spaCy's, made once."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.training import Example

BENCHMARKS = Path(__file__).parent.parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
ROWS = [
    ("play some music in london", "PLAY", (19, 25)),
    ("book a table in paris", "BOOK", (16, 21)),
]
TEXTS = [text for text, _, _ in ROWS] + ["", "the house in berlin " * 20]


def make_pipeline(checkpoint: Path, *, seed: int = 0) -> Language:
    """Make an initialised pipeline: encoder, bert_ner, bert_textcat, and spaCy's tagger."""
    spacy.util.fix_random_seed(seed)
    nlp = spacy.blank("en")
    model = {"name": str(checkpoint), "overlap": 8}
    nlp.add_pipe("bert_transformer", config={"model": model})
    nlp.add_pipe("bert_ner")
    nlp.add_pipe("bert_textcat")
    listener = {"@architectures": "spacy-bert-plugin.BertListener.v1"}
    nlp.add_pipe(
        "tagger", config={"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": listener}}
    )
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


def make_examples(nlp: Language) -> list[Example]:
    examples = []
    for text, category, (begin, end) in ROWS:
        doc = nlp.make_doc(text)
        annotation = {
            "cats": {"PLAY": float(category == "PLAY"), "BOOK": float(category == "BOOK")},
            "entities": [(begin, end, "CITY")],
            "tags": ["V", *["X"] * (len(doc) - 1)],
        }
        examples.append(Example.from_dict(doc, annotation))
    return examples


def describe(nlp: Language) -> list[object]:
    """Everything that a pipeline says about some texts."""
    return [
        [
            {name: round(score, 5) for name, score in doc.cats.items()},
            [(ent.start, ent.end, ent.label_) for ent in doc.ents],
            [token.tag_ for token in doc],
            doc.vector.round(4).tolist(),
        ]
        for doc in nlp.pipe(TEXTS)
    ]


@pytest.fixture(scope="session")
def two_pipelines(tiny_checkpoint: Path) -> tuple[Language, Language]:
    """An old model and a new one; tests leave them as they are."""
    return make_pipeline(tiny_checkpoint), make_pipeline(tiny_checkpoint, seed=1)


@pytest.fixture
def fresh_pipeline(tiny_checkpoint: Path) -> Callable[..., Language]:
    """Make a pipeline that a test may change."""
    return lambda seed=0: make_pipeline(tiny_checkpoint, seed=seed)
