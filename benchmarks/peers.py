"""The systems compared against: the same weights through other people's code.

Each builder gets the settings of the run and returns an object with `run()`, the timed work, and
`save_vectors(path)`, one vector a spaCy token for the agreement check.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc

STRIDED_SPANS = {"window": 128, "stride": 96}


def read_texts(settings: dict[str, Any]) -> list[str]:
    """The texts of the run, from the file that all workers share."""
    texts: list[str] = json.loads(Path(settings["texts"]).read_text(encoding="utf8"))
    return texts


def save_vectors(vectors: list[np.ndarray], path: str) -> None:
    """Write one (n_tokens, width) array a text, laid end to end, with their lengths."""
    np.savez(path, vectors=np.concatenate(vectors), lengths=[len(rows) for rows in vectors])


class SpacySystem:
    """`nlp.pipe` over all texts, timed from text to Doc."""

    def __init__(self, nlp: Language, settings: dict[str, Any], token_vectors: Any) -> None:
        self.nlp = nlp
        self.texts = read_texts(settings)
        self.batch_size = settings["batch_size"]
        self.token_vectors = token_vectors

    def run(self) -> int:
        """Read the whole stream and let go of every Doc, as a service does."""
        return sum(1 for _ in self.nlp.pipe(self.texts, batch_size=self.batch_size))

    def save_vectors(self, path: str) -> None:
        """One vector a token, by this system's own alignment."""
        docs = self.nlp.pipe(self.texts, batch_size=self.batch_size)
        save_vectors([self.token_vectors(doc) for doc in docs], path)


def spacy_transformers(settings: dict[str, Any]) -> SpacySystem:
    """spacy-transformers as its own quickstart configures it: strided spans of 128 and 96."""
    nlp = spacy.blank("en")
    spans = {"@span_getters": "spacy-transformers.strided_spans.v1", **STRIDED_SPANS}
    model = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": settings["checkpoint"],
        "tokenizer_config": {"use_fast": True},
        "get_spans": spans,
    }
    nlp.add_pipe("transformer", config={"model": model})
    nlp.initialize()
    return SpacySystem(nlp, settings, _spacy_transformers_vectors)


def spacy_curated_transformers(settings: dict[str, Any]) -> SpacySystem:
    """spacy-curated-transformers with the weights of the same folder, strided spans of its own."""
    config = json.loads((Path(settings["checkpoint"]) / "config.json").read_text(encoding="utf8"))
    nlp = spacy.blank("en")
    model = {
        "@architectures": "spacy-curated-transformers.BertTransformer.v1",
        "vocab_size": config["vocab_size"],
        "hidden_width": config["hidden_size"],
        "intermediate_width": config["intermediate_size"],
        "num_attention_heads": config["num_attention_heads"],
        "num_hidden_layers": config["num_hidden_layers"],
        "layer_norm_eps": config["layer_norm_eps"],
        "hidden_act": config["hidden_act"],
        "piece_encoder": {"@architectures": "spacy-curated-transformers.BertWordpieceEncoder.v1"},
        "with_spans": {
            "@architectures": "spacy-curated-transformers.WithStridedSpans.v1",
            **STRIDED_SPANS,
        },
    }
    nlp.add_pipe("curated_transformer", config={"model": model})
    initialize = {
        "encoder_loader": {
            "@model_loaders": "spacy-curated-transformers.HFTransformerEncoderLoader.v1",
            "name": settings["checkpoint"],
        },
        "piecer_loader": {
            "@model_loaders": "spacy-curated-transformers.HFPieceEncoderLoader.v1",
            "name": settings["checkpoint"],
        },
    }
    nlp.config["initialize"]["components"]["curated_transformer"] = initialize
    nlp.initialize()
    return SpacySystem(nlp, settings, _spacy_curated_vectors)


class PaddedReference:
    """BertModel of transformers, texts sorted by length and padded to the longest of a batch."""

    def __init__(self, settings: dict[str, Any], *, dtype: torch.dtype) -> None:
        import transformers

        folder = settings["checkpoint"]
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        self.model = transformers.AutoModel.from_pretrained(folder).to(dtype).eval()
        self.texts = read_texts(settings)
        self.batch_size = settings["reference_batch_size"]

    @torch.inference_mode()
    def run(self) -> int:
        """Tokenise, sort, pad and run everything."""
        encoded = self.tokenizer(self.texts, truncation=True, max_length=512)
        n_texts = 0
        for rows in self._batches(encoded["input_ids"]):
            self._last_layer(encoded, rows)
            n_texts += len(rows)
        return n_texts

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
            layer = self._last_layer(encoded, rows).float().numpy()
            for row, states in zip(rows, layer, strict=True):
                vectors[row] = _mean_by_offsets(tokenizer(self.texts[row]), offsets[row], states)
        save_vectors(vectors, path)

    def _batches(self, ids: list[list[int]]) -> list[list[int]]:
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        size = self.batch_size
        return [order[start : start + size] for start in range(0, len(order), size)]

    def _last_layer(self, encoded: Any, rows: list[int]) -> torch.Tensor:
        features = {key: [encoded[key][row] for row in rows] for key in encoded}
        batch = self.tokenizer.pad(features, return_tensors="pt")
        layer: torch.Tensor = self.model(**batch).last_hidden_state
        return layer


def reference_fp32(settings: dict[str, Any]) -> PaddedReference:
    """The padded reference in single precision."""
    return PaddedReference(settings, dtype=torch.float32)


def reference_bf16(settings: dict[str, Any]) -> PaddedReference:
    """The padded reference with bf16 weights."""
    return PaddedReference(settings, dtype=torch.bfloat16)


def _spacy_transformers_vectors(doc: Doc) -> np.ndarray:
    data = doc._.trf_data
    rows = data.model_output.last_hidden_state.reshape(-1, data.width)
    return _mean_by_lengths(rows[data.align.dataXd.ravel()], data.align.lengths)


def _spacy_curated_vectors(doc: Doc) -> np.ndarray:
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
