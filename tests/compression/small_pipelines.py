"""Small pipelines on disk, to be written anew in another precision."""

import hashlib
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.training import Example

TRAIN: list[tuple[str, dict[str, Any]]] = [
    ("play some music in the kitchen", {"cats": {"PLAY": 1.0, "BOOK": 0.0}}),
    ("book a table in london", {"cats": {"PLAY": 0.0, "BOOK": 1.0}}),
]
TEXTS = ["play the long movie", "please book two for tomorrow in paris", "rain", "a hello world"]
INLINE = "spacy-bert-plugin.BertEncoder.v1"


def make_nlp(checkpoint: Path, *, is_inline: bool = False) -> Language:
    """A pipeline with bert_textcat over a shared encoder, or with one of its own; initialised."""
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    model: dict[str, Any] = {}
    if is_inline:
        encoder = {
            "@architectures": INLINE,
            "name": str(checkpoint),
            "overlap": 8,
            "output": "mean",
        }
        model = {"tok2vec": encoder}
    else:
        nlp.add_pipe("bert_transformer", config={"model": {"name": str(checkpoint), "overlap": 8}})
    nlp.add_pipe("bert_textcat", config={"model": model})
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc(text), gold) for text, gold in TRAIN])
    return nlp


def hash_folder(path: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder."""
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }
