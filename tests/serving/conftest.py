"""A tiny pipeline on disk."""

import sys
from pathlib import Path

import pytest
import spacy
from spacy.training import Example

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "examples" / "fastapi_app"))
ROWS = [
    ("play some music in london", {"PLAY": 1.0, "BOOK": 0.0}, (19, 25)),
    ("book a table in paris", {"PLAY": 0.0, "BOOK": 1.0}, (16, 21)),
]


@pytest.fixture(scope="session")
def model(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a pipeline with an encoder, entities and categories."""
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    model = {"name": str(tiny_checkpoint), "overlap": 8}
    nlp.add_pipe("bert_transformer", config={"model": model})
    nlp.add_pipe("bert_ner")
    nlp.add_pipe("bert_textcat")
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": cats, "entities": [(*place, "CITY")]})
        for text, cats, place in ROWS
    ]
    sgd = nlp.initialize(lambda: examples)
    for _ in range(5):
        nlp.update(examples, sgd=sgd)
    path = tmp_path_factory.mktemp("served") / "model"
    nlp.to_disk(path)
    return path
