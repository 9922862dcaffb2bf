"""This package as a system under measurement: the pipeline, and the encoder run bare."""

from __future__ import annotations

from typing import Any

import numpy as np
import spacy
import torch
from peers import SpacySystem, read_texts
from spacy.language import Language

from spacy_bert_plugin.batching import plan_batches
from spacy_bert_plugin.encoder import PackedInput
from spacy_bert_plugin.layers import get_shim, prepare_docs
from spacy_bert_plugin.pieces import pack_windows


def build_nlp(settings: dict[str, Any], *, precision: str, keep: str = "doc") -> Language:
    """A pipeline of nothing but the shared encoder, as its factory sets it up."""
    nlp = spacy.blank("en")
    config = {
        "model": {"name": settings["checkpoint"]},
        "precision": precision,
        "keep": keep,
    }
    nlp.add_pipe("bert_transformer", config=config)
    nlp.initialize()
    return nlp


def pipe_fp32(settings: dict[str, Any]) -> SpacySystem:
    """`nlp.pipe` in exact single precision, every setting at its default."""
    return OurPipeline(settings, precision="fp32")


def pipe_bf16(settings: dict[str, Any]) -> SpacySystem:
    """The same with bf16 linear layers."""
    return OurPipeline(settings, precision="bf16")


class OurPipeline(SpacySystem):
    """The pipeline under measurement; token vectors come from a second one that keeps them."""

    def __init__(self, settings: dict[str, Any], *, precision: str) -> None:
        super().__init__(build_nlp(settings, precision=precision), settings, lambda doc: doc.tensor)
        self.settings, self.precision = settings, precision

    def save_vectors(self, path: str) -> None:
        """One vector a token, in `doc.tensor`."""
        timed = self.nlp
        self.nlp = build_nlp(self.settings, precision=self.precision, keep="tokens")
        super().save_vectors(path)
        self.nlp = timed


class BareEncoder:
    """The packed encoder on batches that were prepared before the clock started.

    Nothing but forward passes: no tokenizer, no Docs, no alignment. What `nlp.pipe` can reach
    at best.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        nlp = build_nlp(settings, precision="fp32")
        model = nlp.get_pipe("bert_transformer").model
        checkpoint = get_shim(model).checkpoint
        self.encoder = checkpoint.encoder
        docs = [nlp.make_doc(text) for text in read_texts(settings)]
        self.batches = prepare_batches(docs, checkpoint, batch_pieces=settings["batch_pieces"])

    @torch.inference_mode()
    def run(self) -> int:
        """One forward pass a batch."""
        return sum(len(self.encoder(batch).last) for batch in self.batches)


def prepare_batches(docs: Any, checkpoint: Any, *, batch_pieces: int) -> list[PackedInput]:
    """Every window of the Docs in packed batches, sorted by length over all of them."""
    tokenizer = checkpoint.tokenizer
    max_pieces = checkpoint.encoder.config.max_pieces
    prepared = prepare_docs(docs, tokenizer, max_pieces=max_pieces, overlap=64)
    lengths = prepared.windows.lengths + tokenizer.n_special
    batches = []
    for chosen in plan_batches(lengths, batch_pieces):
        packed = pack_windows(
            prepared.ids,
            prepared.windows,
            chosen,
            prefix=tokenizer.prefix_ids,
            suffix=tokenizer.suffix_ids,
        )
        ids = torch.from_numpy(np.ascontiguousarray(packed.ids))
        positions = torch.from_numpy(np.ascontiguousarray(packed.positions))
        batches.append(PackedInput(ids, positions, torch.zeros_like(ids), packed.lengths))
    return batches


def bare_fp32(settings: dict[str, Any]) -> BareEncoder:
    """The bare encoder in single precision."""
    return BareEncoder(settings)
