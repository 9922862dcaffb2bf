"""The pipeline that is put through the checks: saved once, loaded anew by whoever changes it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.ty import ListenedToComponent
from spacy.util import fix_random_seed
from thinc.api import Model

from .outputs import Reading, compare, read_doc
from .texts import GOLD, SENTENCES

EXACT = "fp32"
TOLERANCE, ROUGH_TOLERANCE = 1e-5, 0.05


class Subject:
    """A pipeline in a folder, and what checks need of it.

    folder (Path): The saved pipeline, which child processes load too.
    seconds (float): How long a child process may take.
    """

    def __init__(self, folder: Path, *, seconds: float) -> None:
        self.folder = folder
        self.seconds = seconds

    def load(self, config: dict[str, Any] | None = None) -> Language:
        """Load the pipeline anew, for checks that change it."""
        return spacy.load(self.folder, config=config or {})

    @cached_property
    def nlp(self) -> Language:
        """The pipeline for checks that only predict."""
        return self.load()

    @cached_property
    def vectors_nlp(self) -> Language:
        """The pipeline, keeping the vectors of tokens where a setting asks for that."""
        wanted = {
            name: {"keep": "tokens"}
            for name, settings in self.nlp.config["components"].items()
            if settings.get("keep") in ("none", "doc")
        }
        return self.load({"components": wanted}) if wanted else self.nlp

    @property
    def pipes(self) -> list[str]:
        """Names of the components that have a model."""
        return list_trainable(self.nlp)

    @property
    def encoders(self) -> list[str]:
        """Names of the components that others listen to."""
        return find_listened(self.nlp)

    @property
    def listeners(self) -> list[str]:
        """Names of the components that listen."""
        found = (self.nlp.get_pipe(name).listening_components for name in self.encoders)
        return [name for names in found for name in names]

    @cached_property
    def tolerance(self) -> float:
        """How far numbers may lie apart that were computed in another batch."""
        precisions = [s.get("precision", EXACT) for s in self.nlp.config["components"].values()]
        return TOLERANCE if set(precisions) <= {EXACT} else ROUGH_TOLERANCE

    @cached_property
    def expected(self) -> list[Reading]:
        """What the pipeline says about `SENTENCES`, one at a time."""
        return read_all(self.nlp, SENTENCES)

    def compare(self, nlp: Language, *, tolerance: float | None = None) -> str | None:
        """Say where another pipeline differs about `SENTENCES`, one at a time, or None."""
        return self.compare_docs([nlp(text) for text in SENTENCES], tolerance=tolerance)

    def compare_docs(self, docs: Sequence[Doc], *, tolerance: float | None = None) -> str | None:
        """Say where Docs of `SENTENCES` differ from what is expected, or None."""
        if len(docs) != len(self.expected):
            return f"{len(docs)} documents came out and not {len(self.expected)}"
        limit = self.tolerance if tolerance is None else tolerance
        for index, (doc, expected) in enumerate(zip(docs, self.expected, strict=True)):
            problem = compare(read_doc(doc), expected, tolerance=limit)
            if problem:
                return f"document {index}: {problem}"
        return None

    def make_examples(self, nlp: Language) -> list[Example]:
        """Examples that ask for what the pipeline predicts: every component knows the labels."""
        return make_examples(nlp)


def make_examples(nlp: Language, texts: Sequence[str] = SENTENCES) -> list[Example]:
    """Annotate texts with what the pipeline predicts, the best category alone."""
    examples = []
    for text in texts:
        gold = nlp(text)
        best = max(gold.cats, key=gold.cats.__getitem__, default="")
        gold.cats = {label: float(label == best) for label in gold.cats}
        examples.append(Example(nlp.make_doc(text), gold))
    return examples


def build_pipeline(factory: str, config: dict[str, Any] | None, folder: Path) -> None:
    """Make a pipeline of one component, initialise it with a few annotated texts and save it."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe(factory, config=config or {})
    examples = [Example.from_dict(nlp.make_doc(text), gold) for text, gold in GOLD]
    nlp.initialize(lambda: examples)
    nlp.to_disk(folder)


def list_trainable(nlp: Language) -> list[str]:
    """Names of the enabled components that have a model."""
    return [name for name, pipe in nlp.pipeline if isinstance(getattr(pipe, "model", None), Model)]


def find_listened(nlp: Language) -> list[str]:
    """Names of the enabled components that others listen to."""
    return [
        name
        for name, pipe in nlp.pipeline
        if isinstance(pipe, ListenedToComponent) and pipe.listening_components
    ]


def copy_weights(nlp: Language) -> dict[str, bytes]:
    """The bytes of each component that has a model, without the vocabulary."""
    return {name: nlp.get_pipe(name).to_bytes(exclude=["vocab"]) for name in list_trainable(nlp)}


def read_all(nlp: Language, texts: Sequence[str]) -> list[Reading]:
    """Read what a pipeline says about texts, one at a time."""
    return [read_doc(nlp(text)) for text in texts]
