"""Load a trained pipeline, as an app would, and print what it makes of a few sentences."""

from pathlib import Path
from typing import Annotated

import spacy
import typer
from wasabi import color, msg

TEXTS = [
    "Could you dim the lights in the guest room to 35 percent?",
    "wake me up at twenty to seven on saturday",
    "Put two bottles of olive oil and some basil on the weekend list.",
    "tell julia that the train is late again",
    "Will I need an umbrella in Lisbon tomorrow afternoon?",
    "did i lock the cellar door",
]


def main(
    model: Path,
    texts: Annotated[
        list[str] | None, typer.Argument(help="Instead of the built-in sentences.")
    ] = None,
) -> None:
    """Print label and spans of TEXTS."""
    if not model.exists():
        msg.fail(
            f"There is no pipeline in {model}",
            "Run the training step of project.yml first.",
            exits=1,
        )
    nlp = spacy.load(model)
    for doc in nlp.pipe(texts or TEXTS):
        print(f"\n{color(doc.text, bold=True)}")
        if doc.cats:
            label = max(doc.cats, key=lambda name: doc.cats[name])
            print(f"  {label}  ({doc.cats[label]:.2f})")
        for ent in doc.ents:
            print(f"  {ent.label_:12} {ent.text}")


if __name__ == "__main__":
    typer.run(main)
