"""The encoders that ours is held against: the same weights through other people's code."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import spacy
import torch
from spacy.tokens import Doc

from spacy_bert_plugin.cli.measure.system import TimedSystem, use_device

BATCH_SIZE = 64


class PaddedReference(TimedSystem):
    """BertModel of transformers, texts sorted by length and padded to the longest of a batch.

    settings (dict): Those of `TimedSystem`, `checkpoint` (folder), `precision` ("fp32" or "bf16")
        and `device`.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        start = time.perf_counter()
        import transformers

        use_device(settings["device"])
        folder, self.device = settings["checkpoint"], settings["device"]
        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[settings["precision"]]
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        model = transformers.AutoModel.from_pretrained(folder)
        self.model = model.to(self.device, dtype).eval()
        super().__init__(settings, load_seconds=time.perf_counter() - start)

    @torch.inference_mode()
    def run(self) -> None:
        """Tokenise, sort, pad and run everything."""
        for _ in range(self.n_passes):
            encoded = self.tokenizer(self.texts, truncation=True, max_length=512)
            for rows in self._batches(encoded["input_ids"]):
                self._last_layer(encoded, rows)
        if self.device == "cuda":
            torch.cuda.synchronize()

    @torch.inference_mode()
    def run_one(self, number: int) -> None:
        """Tokenise and run one text."""
        encoded = self.tokenizer([self.single_texts[number]], truncation=True, max_length=512)
        self._last_layer(encoded, [0]).cpu()

    @torch.inference_mode()
    def save_vectors(self, path: str) -> None:
        """The mean of the pieces that share a character with a token, zeros where none does."""
        encoded = self.tokenizer(
            self.texts, truncation=True, max_length=512, return_offsets_mapping=True
        )
        offsets = encoded.pop("offset_mapping")
        tokenizer = spacy.blank("en").tokenizer
        vectors: list[Any] = [None] * len(self.texts)
        for rows in self._batches(encoded["input_ids"]):
            layer = self._last_layer(encoded, rows).float().cpu().numpy()
            for row, states in zip(rows, layer, strict=True):
                vectors[row] = _mean_by_offsets(tokenizer(self.texts[row]), offsets[row], states)
        save_vectors(vectors, path)

    def _batches(self, ids: list[list[int]]) -> list[list[int]]:
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        return [order[start : start + BATCH_SIZE] for start in range(0, len(order), BATCH_SIZE)]

    def _last_layer(self, encoded: Any, rows: list[int]) -> torch.Tensor:
        features = {key: [encoded[key][row] for row in rows] for key in encoded}
        batch = self.tokenizer.pad(features, return_tensors="pt").to(self.device)
        layer: torch.Tensor = self.model(**batch).last_hidden_state
        return layer


def save_vectors(vectors: list[np.ndarray], path: str) -> None:
    """Write one (n_tokens, width) array a text, laid end to end, with their lengths."""
    np.savez(path, vectors=np.concatenate(vectors), lengths=[len(rows) for rows in vectors])


def spacy_transformers_vectors(doc: Doc) -> np.ndarray:
    """One vector a token, by the alignment of spacy-transformers."""
    data = doc._.trf_data
    rows = data.model_output.last_hidden_state.reshape(-1, data.width)
    return _mean_by_lengths(rows[data.align.dataXd.ravel()], data.align.lengths)


def spacy_curated_vectors(doc: Doc) -> np.ndarray:
    """One vector a token, by the alignment of spacy-curated-transformers."""
    layer = doc._.trf_data.last_hidden_layer_state
    return _mean_by_lengths(layer.dataXd, layer.lengths)


def _mean_by_lengths(rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    ends = np.cumsum(lengths)
    starts = ends - lengths
    vectors = np.zeros((len(lengths), rows.shape[1]), dtype="float32")
    for token, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if end > start:
            vectors[token] = rows[start:end].mean(axis=0)
    return vectors


def _mean_by_offsets(doc: Doc, offsets: list[tuple[int, int]], states: np.ndarray) -> np.ndarray:
    # Written for clarity and apart from the package: this is what the package is checked against.
    vectors = np.zeros((len(doc), states.shape[1]), dtype="float32")
    for token in doc:
        start, end = token.idx, token.idx + len(token)
        rows = [row for row, (low, high) in enumerate(offsets) if low < end and start < high]
        if rows:
            vectors[token.i] = states[rows].mean(axis=0)
    return vectors
