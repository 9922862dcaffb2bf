"""The systems that `inference.py` measures: pipelines on disk, and encoders without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacy_bert_plugin.cli.measure.benchmark import System

FOLDER = Path(__file__).resolve().parent
OURS, SPACY_HEADS = "ours", "ours, spaCy's heads"
PEER, CURATED = "spacy-transformers", "spacy-curated-transformers"
BARE, PADDED = "bare encoder", "BertModel, padded"
PRECISIONS = ("fp32", "bf16", "int8")
KINDS = {OURS: 0, SPACY_HEADS: 2, PEER: 5, CURATED: 5, BARE: 1, PADDED: 5}
# Docs a batch: for the peers, the faster one of 64 and 256.
OUR_BATCH, PEER_BATCH = 256, 64
GPU_BATCHES, GPU_PIECES = (1, 96, 256, 1024), 32_768


@dataclass(frozen=True)
class Contestant:
    """A system with what it is compared by.

    kind (str): One of `KINDS`.
    precision (str): Of its encoder.
    has_heads (bool): Whether it is a whole pipeline, not its encoder alone.
    """

    system: System
    kind: str
    precision: str
    has_heads: bool = True


class Catalogue:
    """Makes systems out of folders.

    builds (dict): Folder of each pipeline, by its name in `builds.BUILDERS`.
    checkpoint (Path): Folder of the weights.
    device (str), threads (int): Where, and on how many.
    """

    def __init__(
        self, builds: dict[str, Path], *, checkpoint: Path, device: str, threads: int
    ) -> None:
        self.builds, self.checkpoint, self.threads = builds, str(checkpoint.resolve()), threads
        self.is_cuda = device == "cuda"

    def list_for_speed(self) -> list[Contestant]:
        """Everything, with the peer first: it is what the others are compared with."""
        peers = [self.peer(), self.curated(), self.spacy_heads()]
        ours = [self.ours(precision) for precision in PRECISIONS]
        bare = [self.bare(precision) for precision in PRECISIONS]
        padded = [self.padded(precision) for precision in ("fp32", "bf16")]
        return [*peers, *ours, *bare, *padded]

    def list_for_gpu(self) -> list[Contestant]:
        """Ours in bf16 in batches of all sizes, and the peer in its best ones."""
        ours = [name_batch(self.ours("bf16"), size) for size in GPU_BATCHES]
        peers = [name_batch(self.peer(), size) for size in GPU_BATCHES[1:]]
        return [*peers, *ours, self.bare("bf16"), self.padded("bf16")]

    def list_for_latency(self) -> list[Contestant]:
        """Whole pipelines, pipelines of the encoder alone, and the encoder bare."""
        precisions = ("bf16",) if self.is_cuda else PRECISIONS
        found = [self.peer(), without_heads(self.peer(), "transformer")]
        for precision in precisions:
            ours = self.ours(precision)
            found += [ours, without_heads(ours, "bert_transformer"), self.bare(precision)]
        return found

    def ours(self, precision: str) -> Contestant:
        """`bert_textcat` and `bert_ner`; their agreement is with fp32."""
        overrides: dict[str, Any] = {"components.bert_transformer.precision": precision}
        if self.is_cuda:
            overrides["components.bert_transformer.model.batch_pieces"] = GPU_PIECES
        settings = {"path": str(self.builds["ours"]), "overrides": overrides}
        name, reference = f"{OURS}, {precision}", f"{OURS}, fp32"
        system = System(name, settings=settings, batch_size=OUR_BATCH, reference=reference)
        return Contestant(system, OURS, precision)

    def spacy_heads(self) -> Contestant:
        """The heads of the peers over our encoder; their agreement is with the peer."""
        return self._pipeline(SPACY_HEADS, "ours-spacy-heads", batch_size=OUR_BATCH)

    def peer(self) -> Contestant:
        """spacy-transformers, as its quickstart has it."""
        return self._pipeline(PEER, "spacy-transformers", batch_size=PEER_BATCH)

    def curated(self) -> Contestant:
        """spacy-curated-transformers."""
        return self._pipeline(CURATED, "spacy-curated-transformers", batch_size=PEER_BATCH)

    def bare(self, precision: str) -> Contestant:
        """Our encoder on prepared batches."""
        settings = {
            "checkpoint": self.checkpoint,
            "precision": precision,
            "threads": self.threads,
            "batch_pieces": GPU_PIECES if self.is_cuda else 0,
        }
        name = f"{BARE}, {precision}"
        system = System(name, "ours:BareEncoder", settings, OUR_BATCH, folder=FOLDER)
        return Contestant(system, BARE, precision, has_heads=False)

    def padded(self, precision: str) -> Contestant:
        """BertModel of transformers."""
        settings = {"checkpoint": self.checkpoint, "precision": precision}
        name = f"{PADDED}, {precision}"
        system = System(name, "peers:PaddedReference", settings, PEER_BATCH, folder=FOLDER)
        return Contestant(system, PADDED, precision, has_heads=False)

    def _pipeline(self, name: str, build: str, *, batch_size: int) -> Contestant:
        settings = {"path": str(self.builds.get(build, "")), "overrides": {}}
        system = System(name, settings=settings, batch_size=batch_size, reference=PEER)
        return Contestant(system, name, "fp32")


def without_heads(contestant: Contestant, encoder: str) -> Contestant:
    """The same pipeline, loaded with nothing but its encoder."""
    settings = dict(contestant.system.settings)
    settings["overrides"] = {**settings["overrides"], "nlp.pipeline": [encoder]}
    name = f"{contestant.system.name}, no heads"
    system = replace(contestant.system, name=name, settings=settings)
    return replace(contestant, system=system, has_heads=False)


def name_batch(contestant: Contestant, size: int) -> Contestant:
    """The same system in batches of another size."""
    name = f"{contestant.system.name}, batch {size}"
    return replace(contestant, system=replace(contestant.system, name=name, batch_size=size))


def find_of_kind(contestants: Sequence[Contestant], kind: str, precision: str) -> list[Contestant]:
    """Those of a kind that compute in a precision."""
    return [c for c in contestants if (c.kind, c.precision) == (kind, precision)]
