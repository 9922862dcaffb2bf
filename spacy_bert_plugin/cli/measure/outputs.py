"""What a pipeline says of texts, apart from any library, so that two can be held side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from spacy.tokens import Doc

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TextOutput:
    """What was said of one text; places are in characters.

    entities, tags (list): `[start, end, label]`; tags are left out where a token has none.
    cats (dict): Probabilities by label.
    """

    entities: list[list[Any]] = field(default_factory=list)
    tags: list[list[Any]] = field(default_factory=list)
    cats: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outputs:
    """What was said of all texts, in order.

    assigns (tuple): What the pipeline's components declare to set, such as "doc.ents". One that
        finds no entity at all is another case than one that does not look for any.
    vectors (FloatArray | None): `doc.vector` of each text, zeros where it has none; None where
        no text has one.
        Shape: (n_texts, width)
    """

    texts: list[TextOutput]
    vectors: FloatArray | None = None
    assigns: tuple[str, ...] = ()

    @property
    def has_entities(self) -> bool:
        """Whether entities are looked for."""
        return "doc.ents" in self.assigns or any(text.entities for text in self.texts)

    @property
    def has_tags(self) -> bool:
        """Whether there are fine-grained tags."""
        return any(text.tags for text in self.texts)


def collect_outputs(docs: Iterable[Doc], *, assigns: Sequence[str] = ()) -> Outputs:
    """Take what is to be compared off a stream of Docs.

    assigns (Sequence[str]): As in `Outputs`.
    """
    texts, vectors = [], []
    for doc in docs:
        texts.append(
            TextOutput(
                entities=[[span.start_char, span.end_char, span.label_] for span in doc.ents],
                tags=[[t.idx, t.idx + len(t), t.tag_] for t in doc if t.tag_],
                cats={label: float(value) for label, value in doc.cats.items()},
            )
        )
        vectors.append(_to_host(doc.vector) if doc.has_vector else None)
    return Outputs(texts, stack_vectors(vectors), tuple(assigns))


def stack_vectors(vectors: Sequence[FloatArray | None]) -> FloatArray | None:
    """Put vectors under each other. Shape: (width,) each -> (n_texts, width)"""
    width = max((len(vector) for vector in vectors if vector is not None), default=0)
    if not width:
        return None
    blank = np.zeros(width, dtype="float32")
    return np.stack([blank if vector is None else vector for vector in vectors])


def write_outputs(outputs: Outputs, path: Path) -> None:
    """Write a JSON file, and an array of the same name beside it."""
    content = {"assigns": outputs.assigns, "texts": [asdict(text) for text in outputs.texts]}
    path.write_text(json.dumps(content), encoding="utf8")
    if outputs.vectors is not None:
        np.save(path.with_suffix(".npy"), outputs.vectors)


def read_outputs(path: Path) -> Outputs:
    """Read what `write_outputs` wrote."""
    content = json.loads(path.read_text(encoding="utf8"))
    array = path.with_suffix(".npy")
    vectors = np.load(array, allow_pickle=False) if array.exists() else None
    texts = [TextOutput(**row) for row in content["texts"]]
    return Outputs(texts, vectors, tuple(content["assigns"]))


def _to_host(vector: Any) -> FloatArray:
    host: FloatArray = np.asarray(vector.get() if hasattr(vector, "get") else vector, "float32")
    return host
