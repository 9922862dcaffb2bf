"""A pipeline as a package: made in one environment, used in another.

    python packaged.py make FOLDER      train one, build its wheel below FOLDER, write answers.json
    python packaged.py check FOLDER     load the installed package without a network, compare

Needs nothing else of the source tree than the file beside it.
"""

import json
import socket
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.training import Example
from test_installed import SIZES, write_tokenizer

NAME = "en_rooms"
TEXT = "play music in london"
GOLD = {"cats": {"PLAY": 1.0, "BOOK": 0.0}, "entities": [(14, 20, "CITY")]}


def build_pipeline(folder: Path) -> Language:
    """A trained pipeline of our components, from files below the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder / "tokenizer.json")
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    model = {"name": None, "sizes": SIZES, "tokenizer": str(folder / "tokenizer.json")}
    nlp.add_pipe("bert_transformer", config={"model": model})
    nlp.add_pipe("bert_ner")
    nlp.add_pipe("bert_textcat")
    examples = [Example.from_dict(nlp.make_doc(TEXT), GOLD)]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(20):
        nlp.update(examples, sgd=optimizer)
    return nlp


def find_answers(nlp: Language) -> dict[str, object]:
    """What a pipeline says about the text."""
    doc = nlp(TEXT)
    ents = [(ent.text, ent.label_, round(ent._.confidence, 4)) for ent in doc.ents]
    cats = {name: round(score, 4) for name, score in doc.cats.items()}
    return {"ents": ents, "cats": cats, "vector": [round(float(x), 4) for x in doc.vector]}


def make(folder: Path) -> None:
    """Train, package, and forget what it was made from."""
    nlp = build_pipeline(folder / "made-from")
    nlp.to_disk(folder / "pipeline")
    (folder / "answers.json").write_text(json.dumps(find_answers(nlp)))
    (folder / "made-from" / "tokenizer.json").unlink()
    command = [sys.executable, "-m", "spacy", "package", folder / "pipeline", folder]
    subprocess.run(
        [*command, "--name", "rooms", "--version", "1.0.0", "--build", "wheel"], check=True
    )


def check(folder: Path) -> None:
    """Compare the installed package with the pipeline that it was made of."""

    def refuse(*args: object, **kwargs: object) -> None:
        sys.exit("the network was used")

    socket.socket.connect = refuse  # type: ignore[method-assign,assignment]
    socket.getaddrinfo = refuse  # type: ignore[assignment]
    needed = requires(NAME) or []
    if not any(line.startswith("spacy-bert-plugin") for line in needed):
        sys.exit(f"the package does not ask for spacy-bert-plugin, but for {needed}")
    expected = json.loads((folder / "answers.json").read_text())
    got = json.loads(json.dumps(find_answers(spacy.load(NAME))))
    if got != expected or not expected["ents"]:
        sys.exit(f"the package says {got}, the pipeline said {expected}")
    sys.stdout.write(f"{NAME} loads without a network and gives {got['ents']}\n")


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](Path(sys.argv[2]))
