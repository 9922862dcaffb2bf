"""`spacy-bert-plugin.batch_by_pieces.v1`: training batches of about the same work."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from spacy.training import Example

from ..batching import plan_batches
from ..checkpoints import read_tokenizer, resolve_checkpoint
from ..errors import Errors, SettingError
from ..pieces import IntArray, PieceCache, PieceTokenizer

BatcherT = Callable[[Iterable[Example]], Iterable[list[Example]]]


def build_batch_by_pieces_v1(
    name: str,
    size: int = 1024,
    buffer: int = 256,
    revision: str | None = None,
    seed: int = 0,
) -> BatcherT:
    """Build a batcher that counts what the encoder computes on: pieces, not words.

    Examples are taken from the stream a buffer at a time and sorted by length, so that the texts
    of a batch are about as long as each other; the batches of a buffer come in random order.

    name (str): Checkpoint whose tokenizer counts: the encoder's own. Name both in one place of the
        config, `[paths] encoder`, and refer to it as `${paths.encoder}`.
    size (int): Most pieces of a batch, special pieces included. A longer text is a batch alone.
    buffer (int): Examples that are sorted at a time. The larger, the more alike are the texts of
        a batch; no batch reaches over its end.
    revision (str | None): Of the checkpoint, on the hub.
    seed (int): Of the order of batches.
    RETURNS (Callable): Takes Examples, yields lists of them.
    RAISES (SettingError): A value cannot work.
    """
    for setting, value in (("size", size), ("buffer", buffer)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            expected = "a whole number of at least 1"
            raise SettingError(Errors.SB002.format(name=setting, expected=expected, got=value))
    return PieceBatcher(name, size=size, buffer=buffer, revision=revision, seed=seed)


class PieceBatcher:
    """Cuts a stream of Examples into batches by their pieces. The tokenizer is read when used."""

    def __init__(
        self, name: str, *, size: int, buffer: int, revision: str | None, seed: int
    ) -> None:
        self.name, self.revision = name, revision
        self.size, self.buffer, self.seed = size, buffer, seed
        self._tokenizer: PieceTokenizer | None = None
        self._pieces = PieceCache()
        self._n_epochs = 0

    def __call__(self, examples: Iterable[Example]) -> Iterator[list[Example]]:
        """Yield batches; every example is in exactly one."""
        # The order differs from epoch to epoch, and is the same in every run.
        random = Random(f"{self.seed}/{self._n_epochs}")
        self._n_epochs += 1
        stream = iter(examples)
        while buffered := list(islice(stream, self.buffer)):
            yield from self._cut(buffered, random)

    def _cut(self, examples: list[Example], random: Random) -> list[list[Example]]:
        batches = plan_batches(self._count(examples), self.size)
        random.shuffle(batches)
        return [[examples[index] for index in batch.tolist()] for batch in batches]

    def _count(self, examples: list[Example]) -> IntArray:
        """Pieces of each text with those around it. Shape: (n_examples,)"""
        if self._tokenizer is None:
            folder = resolve_checkpoint(self.name, revision=self.revision)
            self._tokenizer = read_tokenizer(Path(folder))
        texts = [example.predicted.text for example in examples]
        pieces = self._pieces.encode(self._tokenizer, texts)
        return np.array([len(p) + self._tokenizer.n_special for p in pieces], dtype=np.int64)

    def __deepcopy__(self, memo: dict[int, Any]) -> "PieceBatcher":
        return PieceBatcher(
            self.name,
            size=self.size,
            buffer=self.buffer,
            revision=self.revision,
            seed=self.seed,
        )
