"""Long Docs in bounded memory: what listeners need is made run by run, not kept vector by vector.

The vectors of all tokens of a Doc take 1.5 kB a token at width 384. Where every component that
listens is a head of ours, nobody needs them all: the Doc is encoded in runs of windows, each head
reads the vectors of a run, and they are let go of. See docs/design/listeners.md.
"""

from collections.abc import Collection, Sequence
from typing import Any

import torch
from spacy.tokens import Doc
from thinc.api import torch2xp

from ..heads import Reader
from ..layers import TOKEN_OUTPUTS, BertListener, EncoderModel, run_encoder
from ..layers.bert_encoder import prepare
from ..layers.reading import ReadVectors, find_reading_head, start_reading
from ..layers.runs import cut_runs
from ..util.pairs import TEXTS_KEY
from .activations import Activations

# Docs with more tokens than this are long.
LONG_DOC = 32_768
# In a batch with more tokens than this, Docs that fill a few windows count as long as well.
BIG_BATCH = 131_072
FEW_WINDOWS = 2_048
# Pieces of a run: 25 MB of vectors of width 384, and enough windows for full batches.
RUN_PIECES = 16_384


def find_long(docs: Sequence[Doc]) -> list[bool]:
    """Say which Docs of a batch are encoded by themselves, in runs, if they can be.

    Those of texts that are read apart from each other have a vector a text, which runs know
    nothing of.

    RETURNS (list[bool]): One a Doc.
    """
    is_big = sum(map(len, docs)) > BIG_BATCH
    longest = min(FEW_WINDOWS, LONG_DOC) if is_big else LONG_DOC
    return [len(doc) > longest and TEXTS_KEY not in doc.spans for doc in docs]


def can_read_in_runs(listeners: Sequence[BertListener], *, keep: str) -> bool:
    """Whether nobody needs the vectors of all tokens of a Doc at once.

    False where `keep` leaves them on the Doc, and where a component of another library, or a head
    that cannot read in runs, listens to the vectors of tokens.
    """
    return keep in ("none", "doc") and all(
        listener.output not in TOKEN_OUTPUTS or find_reading_head(listener) is not None
        for listener in listeners
    )


def encode_long_doc(
    model: EncoderModel, doc: Doc, listeners: Sequence[BertListener], *, pooled: Collection[str]
) -> Activations:
    """Encode one Doc in runs of windows.

    listeners: Those that `can_read_in_runs` said yes to.
    pooled: Outputs of one vector a Doc that are wanted, "mean" among them or not.
    RETURNS (Activations): The pooled vectors, and `ReadVectors` in the place of the others.
    """
    prepared = prepare(model, [doc])
    names = [name for name in pooled if name not in TOKEN_OUTPUTS]
    sums = RunningMeans(names)
    with torch.inference_mode():
        readers: dict[BertListener, Reader] = {
            listener: start_reading(head, doc)
            for listener in listeners
            if listener.output in TOKEN_OUTPUTS
            and (head := find_reading_head(listener)) is not None
        }
        wanted = {*names, *(listener.output for listener in readers)} - {"tokens"}
        for run in cut_runs(prepared, run_pieces=RUN_PIECES):
            encoded, _, _ = run_encoder(model, [doc], is_train=False, pooled=wanted, prepared=run)
            outputs = {"tokens": encoded.tokens, **encoded.pooled}
            sums.add(outputs, n_tokens=run.n_tokens, n_windows=len(run.windows))
            for listener, reader in readers.items():
                reader.read(outputs[listener.output])
        made = {listener: reader.finish() for listener, reader in readers.items()}
        found: dict[str, Any] = {name: torch2xp(mean) for name, mean in sums.finish().items()}
    return Activations(
        len(doc), {**found, **dict.fromkeys(TOKEN_OUTPUTS, ReadVectors(len(doc), made))}
    )


class RunningMeans:
    """Pooled vectors of a Doc as means over its runs, by as much as each is a mean of.

    names: "mean", a mean over tokens; "cls", "pooler" and "pieces", means over windows; "max", the
        largest numbers.
    """

    def __init__(self, names: Collection[str]) -> None:
        self.names = names
        self.sums: dict[str, Any] = dict.fromkeys(names, 0.0)
        self.totals = dict.fromkeys(names, 0)

    def add(self, outputs: dict[str, torch.Tensor], *, n_tokens: int, n_windows: int) -> None:
        """Add those of a run. Shape: (1, width) each"""
        for name in self.names:
            if name == "max" and self.totals[name]:
                self.sums[name] = torch.maximum(self.sums[name], outputs[name])
                continue
            count = 1 if name == "max" else n_tokens if name == "mean" else n_windows
            self.sums[name] = self.sums[name] + outputs[name] * count
            self.totals[name] += count

    def finish(self) -> dict[str, torch.Tensor]:
        """The means over the Doc. Shape: (1, width) each"""
        return {name: self.sums[name] / max(self.totals[name], 1) for name in self.names}
