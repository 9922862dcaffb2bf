"""Reads an exported folder and runs it with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from ..._compat import import_optional
from ...pieces import PieceTokenizer
from .feeding import BERT_TEXTCAT, ENCODER, MODEL, TOKENIZER, check_identity, read_feeding
from .inputs import Floats, make_feeds
from .source import find_source

# Tokens of a batch, padding included.
BATCH_TOKENS = 1024


class OnnxModel:
    """An exported encoder, alone or with a head, on the processor.

    path: The folder that `spacy-bert export-onnx` wrote.
    threads: Threads of one run; 0: as many as ONNX Runtime chooses.
    Raises: CheckpointError if the folder is no export or was changed, MissingDependencyError
        if onnxruntime is not installed.
    """

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        self.path = path
        self.feeding = read_feeding(path)
        text = (path / TOKENIZER).read_text(encoding="utf8")
        self.tokenizer = PieceTokenizer.from_json(text)
        self._session = open_session(path / MODEL, threads=threads)

    def check_pipeline(self, nlp: Language) -> None:
        """Check that this is an export of a component of a pipeline, as it is now.

        Raises: CheckpointError if weights, tokenizer, labels or settings differ. It names them.
        """
        source = find_source(nlp, self.feeding.component)
        check_identity(self.feeding, source.identify(), path=self.path)

    def predict(self, docs: Sequence[Doc]) -> list[Floats]:
        """Run tokenised texts.

        docs: Any number of Docs, empty ones included.
        Shape: for each Doc (n_tokens, width) of an encoder, (n_tokens, n_tags) of bert_ner, or
            (1, n_labels) of bert_textcat, before softmax or sigmoid.
        """
        results: list[Floats] = [np.zeros((0, 0), np.float32)] * len(docs)
        for chosen in _plan(docs):
            batch = [docs[index] for index in chosen]
            feeds = make_feeds(batch, self.tokenizer, self.feeding)
            wanted = {port.name: feeds[port.name] for port in self.feeding.inputs}
            (found,) = self._session.run(None, wanted)
            if self.feeding.kind == ENCODER:
                found = _sum_tokens(found, feeds)
            by_text = self.feeding.kind == BERT_TEXTCAT
            counts = [1 if by_text else len(doc) for doc in batch]
            for index, rows in zip(chosen, np.split(found, np.cumsum(counts)[:-1]), strict=True):
                results[index] = rows
        return results


def open_session(model: Path | bytes, *, threads: int = 0) -> Any:
    """Open a graph on the processor.

    threads: Threads of one run; 0: as many as ONNX Runtime chooses.
    RETURNS (onnxruntime.InferenceSession): Threads may share it.
    """
    runtime = import_optional("onnxruntime", purpose="Running an exported model")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors
    source = model if isinstance(model, bytes) else str(model)
    return runtime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def _sum_tokens(vectors: Floats, feeds: dict[str, Any]) -> Floats:
    """Token vectors out of those of pieces. Shape: (n_windows, length, width) -> (n, width)"""
    flat = vectors.reshape(-1, vectors.shape[-1])
    # One place at a time: one long token would make all of them at once too large.
    rows, weights = feeds["token_rows"], feeds["token_weights"]
    total = np.zeros((len(rows), flat.shape[1]), np.float32)
    for place in range(rows.shape[1]):
        used = np.flatnonzero(weights[:, place])
        total[used] += flat[rows[used, place]] * weights[used, place, None]
    return total


def _plan(docs: Sequence[Doc]) -> Iterator[list[int]]:
    """Docs of about the same length together."""
    chosen: list[int] = []
    for index in sorted(range(len(docs)), key=lambda index: len(docs[index])):
        if chosen and (len(chosen) + 1) * len(docs[index]) > BATCH_TOKENS:
            yield chosen
            chosen = []
        chosen.append(index)
    if chosen:
        yield chosen
