"""Whether a head gives the logits that transformers gives with the same files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import xp2torch
from torch import Tensor

from ...layers import EncoderModel, get_shim, prepare
from ...layers.head import find_tok2vec, get_head
from ...pipeline.bert_ner import BertNer


@dataclass(frozen=True)
class Difference:
    """How far logits are from those of transformers.

    n_texts: Texts compared.
    n_rows: Rows of logits: words of a tagger, texts of a classifier.
    n_skipped: Texts that are empty, or longer than one window.
    largest: Largest difference of two logits.
    n_changed: Rows in which another output is the best.
    """

    n_texts: int
    n_rows: int
    n_skipped: int
    largest: float
    n_changed: int


def compare_logits(nlp: Language, component: str, path: Path, texts: Sequence[str]) -> Difference:
    """Compare the logits of a component with those of a checkpoint in transformers.

    nlp (Language): The pipeline.
    component (str): A bert_ner or bert_textcat.
    path (Path): Folder of the checkpoint. transformers reads safetensors from it, and no code.
    texts (Sequence[str]): Texts.
    RETURNS (Difference): What was found.
    """
    from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

    pipe: Any = nlp.get_pipe(component)
    encoder: Any = find_tok2vec(pipe.model).encoders[-1]  # type: ignore[attr-defined]
    is_tagger = isinstance(pipe, BertNer)
    auto = AutoModelForTokenClassification if is_tagger else AutoModelForSequenceClassification
    theirs: Any = auto.from_pretrained(path, use_safetensors=True).eval().float()
    largest, n_changed, n_rows, n_texts = 0.0, 0, 0, 0
    for text in texts:
        doc = nlp.make_doc(text)
        inputs = _make_inputs(encoder.model, doc)
        if inputs is None:
            continue
        ours = read_logits(pipe, encoder, doc)
        with torch.inference_mode():
            rows = theirs(input_ids=inputs, attention_mask=torch.ones_like(inputs)).logits[0]
        rows = rows.float()
        rows = rows[_find_firsts(encoder.model, doc)] if is_tagger else rows[None]
        if is_tagger:
            ours = ours[_has_pieces(encoder.model, doc)]
        largest = max(largest, float((ours - rows).abs().max()))
        n_changed += int((ours.argmax(1) != rows.argmax(1)).sum())
        n_rows, n_texts = n_rows + len(rows), n_texts + 1
    return Difference(n_texts, n_rows, len(texts) - n_texts, largest, n_changed)


def read_logits(pipe: Any, encoder: Any, doc: Doc) -> Tensor:
    """Outputs of a head before anything is made of them.

    Shape: (n_tokens, n_outputs) of a tagger, (1, n_labels) of a classifier.
    """
    encoder(doc)
    vectors = find_tok2vec(pipe.model).predict([doc])[0]
    module: Any = get_head(pipe.model)
    device = next(module.parameters()).device
    with torch.inference_mode():
        rows = xp2torch(vectors, device=device)
        scores = module.score(rows, None) if isinstance(pipe, BertNer) else module.classify(rows)
    found: Tensor = scores.float().cpu()
    return found


def _make_inputs(model: EncoderModel, doc: Doc) -> Tensor | None:
    """Piece ids of one window, None if there are none or too many. Shape: (1, n_pieces)"""
    prepared, tokenizer = prepare(model, [doc]), get_shim(model).checkpoint.tokenizer
    if len(prepared.windows) != 1 or not len(prepared.ids):
        return None
    ids = [*tokenizer.prefix_ids, *prepared.ids.tolist(), *tokenizer.suffix_ids]
    return torch.tensor([ids])


def _has_pieces(model: EncoderModel, doc: Doc) -> Tensor:
    return torch.from_numpy(prepare(model, [doc]).alignment.counts > 0)


def _find_firsts(model: EncoderModel, doc: Doc) -> Tensor:
    """Rows of the first pieces of tokens in a window. Shape: (n_tokens with pieces,)"""
    alignment = prepare(model, [doc]).alignment
    n_prefix = len(get_shim(model).checkpoint.tokenizer.prefix_ids)
    return torch.from_numpy(alignment.firsts[alignment.counts > 0]) + n_prefix
