"""A corpus as piece ids on disk, read by memory map: what is in memory is what a batch touches.

    pieces      [ids of all sentences, end to end]
    sentences   [where each sentence begins, and the end]         0  7 19 22 ...
    passages    [which sentence each passage begins with, end]    0  3 ...
    documents   [number of the document of each passage]          0  0  1 ...
    store.json  sizes, types, and a digest of all of it

Text is read and cut into pieces once; every epoch after that is a matter of numbers.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ..errors import CheckpointError, DataError, Errors
from ..pieces import IntArray, PieceTokenizer
from ..training.folders import recover_folder, replace_folder
from .documents import Passage

META = "store.json"
# Passages cut into pieces by one call of the tokenizer, which shares them among threads.
N_AT_ONCE = 64
NAMES = ("pieces", "sentences", "passages", "documents")


@dataclass(frozen=True)
class PieceStore:
    """A corpus as numbers.

    pieces: Ids of all sentences, end to end. Shape: (n_pieces,), uint16 or uint32
    sentences: First piece of each sentence, and the end. Shape: (n_sentences + 1,), int64
    passages: First sentence of each passage, and the end. Shape: (n_passages + 1,), int64
    documents: Document of each passage. Shape: (n_passages,), int64
    digest: Hash of the arrays.
    """

    pieces: npt.NDArray[Any]
    sentences: IntArray
    passages: IntArray
    documents: IntArray
    digest: str

    @property
    def n_passages(self) -> int:
        """Number of passages."""
        return len(self.documents)

    @property
    def n_documents(self) -> int:
        """Number of documents."""
        return 1 + int(np.count_nonzero(np.diff(self.documents))) if len(self.documents) else 0

    def find_borders(self, passage: int) -> IntArray:
        """Where the sentences of a passage begin, and where the last one ends."""
        first, last = self.passages[passage], self.passages[passage + 1]
        return np.asarray(self.sentences[first : last + 1], dtype=np.int64)


def make_store(
    passages: Iterable[Passage],
    tokenizer: PieceTokenizer,
    path: Path,
    *,
    key: str,
    progress: Callable[[int], None] | None = None,
) -> PieceStore:
    """Cut a corpus into pieces and write them down.

    passages: The corpus.
    tokenizer: Makes the pieces.
    path: Folder to write, at once or not at all.
    key: What the store is made from: see `open_store`.
    progress: Told how many pieces came in.
    RAISES (DataError): There is no sentence that has pieces.
        (CheckpointError): The disk is full, or cannot be written to.
    """
    try:
        with replace_folder(path) as staged:
            staged.mkdir()
            writer = _Writer(staged, _find_type(tokenizer.vocab_size))
            try:
                for rows, document in _encode(passages, tokenizer):
                    writer.add(rows, document)
                    if progress is not None:
                        progress(sum(map(len, rows)))
            finally:
                writer.close()
            if not writer.n_passages:
                raise DataError(Errors.SB800.format(path="The corpus"))
            meta = {"key": key, "digest": writer.digest, "dtype": writer.dtype.name}
            (staged / META).write_text(json.dumps(meta), encoding="utf8")
    except OSError as error:
        raise CheckpointError(
            Errors.SB818.format(what="The corpus", path=path, error=error, kept="")
        ) from error
    store = open_store(path, key=key)
    if store is None:
        raise CheckpointError(
            Errors.SB818.format(what="The corpus", path=path, error="it is gone", kept="")
        )
    return store


def open_store(path: Path, *, key: str) -> PieceStore | None:
    """Open what `make_store` wrote.

    path: The folder.
    key: What the store should have been made from.
    RETURNS: None where there is none, or one that was made from something else.
    """
    recover_folder(path)
    try:
        meta = json.loads((path / META).read_text(encoding="utf8"))
        if meta["key"] != key:
            return None
        dtype = _find_type(2**16 if meta["dtype"] == "uint16" else 2**32)
        kinds = {"pieces": dtype}
        arrays = {
            name: np.memmap(path / f"{name}.bin", dtype=kinds.get(name, np.int64), mode="r")
            for name in NAMES
        }
        return PieceStore(**arrays, digest=meta["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


class _Writer:
    """Appends to the files of a store."""

    def __init__(self, folder: Path, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.n_passages = 0
        self._hash = blake2b(digest_size=16)
        self._stack = ExitStack()
        self._files: dict[str, BinaryIO] = {}
        for name in NAMES:
            file = open(folder / f"{name}.bin", "wb")  # noqa: SIM115, closed by the stack
            self._files[name] = self._stack.enter_context(file)
        self._n_pieces = self._n_sentences = 0
        self._write("sentences", np.zeros(1, dtype=np.int64))
        self._write("passages", np.zeros(1, dtype=np.int64))

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def add(self, rows: list[IntArray], document: int) -> None:
        """Add the sentences of a passage."""
        ends = np.cumsum([len(row) for row in rows], dtype=np.int64) + self._n_pieces
        self._write("pieces", np.concatenate(rows).astype(self.dtype))
        self._write("sentences", ends)
        self._n_pieces, self._n_sentences = int(ends[-1]), self._n_sentences + len(rows)
        self._write("passages", np.array([self._n_sentences], dtype=np.int64))
        self._write("documents", np.array([document], dtype=np.int64))
        self.n_passages += 1

    def close(self) -> None:
        """Write what is still in memory."""
        self._stack.close()

    def _write(self, name: str, values: npt.NDArray[Any]) -> None:
        data = values.tobytes()
        self._hash.update(data)
        self._files[name].write(data)


def _encode(
    passages: Iterable[Passage], tokenizer: PieceTokenizer
) -> Iterator[tuple[list[IntArray], int]]:
    """YIELDS: Ids of each sentence that has pieces, for each passage, and its document."""
    # Byte-level vocabularies have pieces for words behind a space: all but a first one.
    space = " " if _is_byte_level(tokenizer) else ""
    remaining = iter(passages)
    while some := list(islice(remaining, N_AT_ONCE)):
        texts = [
            f"{space if place else ''}{sentence}"
            for passage in some
            for place, sentence in enumerate(passage.sentences)
        ]
        encoded = iter(tokenizer.encode(texts))
        for passage in some:
            rows = [next(encoded).ids for _ in passage.sentences]
            rows = [row for row in rows if len(row)]
            if rows:
                yield rows, passage.document


def _is_byte_level(tokenizer: PieceTokenizer) -> bool:
    return '"type":"ByteLevel"' in tokenizer.json.replace(" ", "").replace("\n", "")


def _find_type(vocab_size: int) -> np.dtype[Any]:
    return np.dtype(np.uint16 if vocab_size <= 2**16 else np.uint32)
