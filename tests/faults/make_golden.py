"""Writes a small pipeline and what it says, for the releases to come to load.

    python tests/faults/make_golden.py

Run once for each release, before it; never again for a release that is out.
"""

import json
import sys
import tempfile
from pathlib import Path

import spacy
from spacy.language import Language

ROOT = Path(__file__).parent.parent.parent
GOLDEN = Path(__file__).parent / "golden"
TEXTS = ["play some music in london", "Book a table, please.", "", "the house in paris " * 20]
EXPECTED = "expected.json"


def describe(nlp: Language) -> list[dict[str, object]]:
    """What a pipeline says about the texts."""
    return [
        {
            "cats": doc.cats,
            "ents": [[ent.start, ent.end, ent.label_, ent._.confidence] for ent in doc.ents],
            "vector": doc.vector.tolist(),
        }
        for doc in nlp.pipe(TEXTS)
    ]


def make_golden(folder: Path, checkpoint: Path) -> None:
    """Train a pipeline for a few steps and save it with what it says."""
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(checkpoint), "overlap": 8}})
    head = {"feature_rows": 30, "feature_width": 4, "use_crf": True}
    nlp.add_pipe("bert_ner", config={"model": head})
    nlp.add_pipe("bert_textcat")
    examples = []
    for text, entity, category in (
        ("play some music in london", (19, 25, "CITY"), "PLAY"),
        ("book a table in paris", (16, 21, "CITY"), "BOOK"),
    ):
        cats = {name: float(name == category) for name in ("PLAY", "BOOK")}
        annotation = {"entities": [entity], "cats": cats}
        examples.append(spacy.training.Example.from_dict(nlp.make_doc(text), annotation))
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(30):
        nlp.update(examples, sgd=optimizer)
    folder.mkdir(parents=True, exist_ok=True)
    nlp.to_disk(folder / "model")
    config = folder / "model" / "config.cfg"  # where it came from is not needed any more
    config.write_text(config.read_text().replace(str(checkpoint), "gone"))
    (folder / EXPECTED).write_text(json.dumps(describe(nlp)) + "\n")


def main() -> None:
    """Write the folder of the present version."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from tiny_models import make_tiny_checkpoint

    from spacy_bert_plugin.about import __version__

    with tempfile.TemporaryDirectory() as name:
        make_golden(GOLDEN / __version__, make_tiny_checkpoint(Path(name) / "tiny"))


if __name__ == "__main__":
    main()
