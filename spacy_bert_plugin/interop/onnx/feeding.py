"""`feeding.json`: how to feed an exported model, and what it belongs to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...about import __version__
from ...checkpoints.json_text import parse_json
from ...checkpoints.manifest import hash_file
from ...errors import CheckpointError, Errors

FORMAT = 1
MODEL, TOKENIZER, FEEDING = "model.onnx", "tokenizer.json", "feeding.json"
NAMES = (MODEL, TOKENIZER, FEEDING)
ENCODER, BERT_NER, BERT_TEXTCAT = "encoder", "bert_ner", "bert_textcat"
PRECISIONS = ("fp32", "int8")
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Port:
    """An input or an output.

    name: In the graph.
    type: "int64" or "float32".
    shape: Names of axes of any length, numbers of fixed ones.
    about: What it holds.
    """

    name: str
    type: str
    shape: list[str | int]
    about: str


@dataclass(frozen=True)
class Feeding:
    """Everything that a program needs to know beside the graph.

    component: Name in the pipeline.
    precision: "fp32" or "int8".
    inputs, outputs: In the order of the graph.
    pieces: How text becomes windows of ids.
    identity: What the pipeline has to be; see `Source.identify`.
    head: How scores are read: labels, tags, features, temperature and the like.
    agreement: How far the output was from the pipeline's, on how many texts, and the bound.
    files: SHA-256 of the other files, by name.
    """

    component: str
    precision: str
    inputs: list[Port]
    outputs: list[Port]
    pieces: dict[str, Any]
    identity: dict[str, Any]
    head: dict[str, Any] = field(default_factory=dict)
    agreement: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """ENCODER, BERT_NER or BERT_TEXTCAT."""
        return str(self.identity["kind"])

    @property
    def pooling(self) -> str:
        """Which vectors the head reads."""
        return str(self.identity["pooling"])

    def to_json(self) -> str:
        """Write as the text of a file."""
        data = {"format": FORMAT, "written_by": f"spacy-bert-plugin {__version__}", **asdict(self)}
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def read_feeding(path: Path) -> Feeding:
    """Read the description of an exported folder, and check its files against it.

    path (Path): The folder.
    RAISES (CheckpointError): It is no export, is of another format, or a file was changed.
    """
    missing = [name for name in NAMES if not (path / name).is_file()]
    if missing:
        raise CheckpointError(
            Errors.SB717.format(path=path, problem=f"{', '.join(missing)} not found")
        )
    with open(path / FEEDING, "rb") as stream:
        raw = stream.read(MAX_BYTES)
    data = parse_json(raw.decode("utf8", "replace"), source=str(path / FEEDING))
    found = data.pop("format", None)
    data.pop("written_by", None)
    if found != FORMAT:
        raise CheckpointError(Errors.SB720.format(path=path, got=found, expected=FORMAT))
    try:
        inputs, outputs = (
            [Port(**port) for port in data.pop(key)] for key in ("inputs", "outputs")
        )
        feeding = Feeding(inputs=inputs, outputs=outputs, **data)
        hashes = {name: str(feeding.files[name]) for name in (MODEL, TOKENIZER)}
        _ = feeding.kind, feeding.pooling, feeding.pieces["max_pieces"], feeding.pieces["overlap"]
    except (KeyError, TypeError) as error:
        raise CheckpointError(
            Errors.SB717.format(path=path, problem=f"feeding.json lacks a part ({error})")
        ) from error
    for name, expected in hashes.items():
        got = hash_file(path / name)
        if got != expected:
            raise CheckpointError(
                Errors.SB718.format(path=path, name=name, got=got[:12], expected=expected[:12])
            )
    return feeding


def check_identity(feeding: Feeding, identity: dict[str, Any], *, path: Path) -> None:
    """Check that an exported folder belongs to a pipeline.

    identity (dict): `Source.identify` of the pipeline.
    RAISES (CheckpointError): It does not. The message names everything that differs.
    """
    stored = feeding.identity
    names = [name for name, value in identity.items() if stored.get(name) != value]
    if names:
        shown = [
            f"{n} (exported {_cut(stored.get(n))}, pipeline {_cut(identity[n])})" for n in names
        ]
        raise CheckpointError(Errors.SB719.format(path=path, differences="; ".join(shown)))


def _cut(value: object) -> str:
    text = "none" if value in ("", None) else str(value)
    return text if len(text) <= 60 else f"{text[:12]}..."
