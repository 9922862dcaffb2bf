"""Pooling "pieces": the mean over all pieces of a window, special ones too."""

from pathlib import Path

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language

from spacy_bert_plugin.encoder import PackedInput
from spacy_bert_plugin.errors import ListenerError
from spacy_bert_plugin.layers import build_bert_pooled_listener_v1, get_shim, prepare

POOLED = "spacy-bert-plugin.BertPooledListener.v1"
TEXTS = ["hello new york", "i", "please play some music by the street of berlin tomorrow", ""]


@pytest.fixture
def nlp(tiny_checkpoint: Path) -> Language:
    nlp = spacy.blank("en")
    model = {"name": str(tiny_checkpoint), "overlap": 2, "max_pieces": 8, "batch_pieces": 16}
    nlp.add_pipe("bert_transformer", config={"model": model})
    tok2vec = {"@architectures": POOLED, "pooling": "pieces"}
    nlp.add_pipe("bert_textcat", config={"model": {"tok2vec": tok2vec}, "exclusive": False})
    nlp.get_pipe("bert_textcat").add_label("a")  # type: ignore[attr-defined]
    nlp.initialize()
    return nlp


def test_means_of_windows_are_averaged(nlp: Language) -> None:
    encoder = nlp.get_pipe("bert_transformer")
    listener = nlp.get_pipe("bert_textcat").model.layers[0]  # type: ignore[attr-defined]
    docs = [nlp.make_doc(text) for text in TEXTS]
    encoder.set_annotations(docs, encoder.predict(docs))  # type: ignore[attr-defined]
    found = np.concatenate(listener.predict(docs))
    checkpoint = get_shim(encoder.model).checkpoint  # type: ignore[attr-defined]
    tokenizer, rows = checkpoint.tokenizer, []
    for doc in docs:
        prepared = prepare(encoder.model, [doc])  # type: ignore[attr-defined]
        means = []
        for start, end in zip(prepared.windows.starts, prepared.windows.ends, strict=True):
            ids = [*tokenizer.prefix_ids, *prepared.ids[start:end], *tokenizer.suffix_ids]
            places = torch.arange(len(ids))
            packed = PackedInput(torch.tensor(ids), places, torch.zeros_like(places), (len(ids),))
            with torch.inference_mode():
                means.append(checkpoint.encoder(packed).last.mean(0).numpy())
        rows.append(np.mean(means, axis=0) if means else np.zeros(found.shape[1]))
    assert len(prepare(encoder.model, [docs[2]]).windows) > 1  # type: ignore[attr-defined]
    np.testing.assert_allclose(found, rows, atol=1e-5)


def test_gradients_go_back(nlp: Language) -> None:
    from spacy.training import Example

    weights = get_shim(nlp.get_pipe("bert_transformer").model).encoder.layers[0].up.weight  # type: ignore[attr-defined]
    before = weights.detach().clone()
    sgd = nlp.resume_training()
    doc = nlp.make_doc(TEXTS[2])
    nlp.update([Example.from_dict(doc, {"cats": {"a": 1.0}})], sgd=sgd)
    assert not torch.equal(before, weights.detach())


def test_unknown_pooling_is_named() -> None:
    with pytest.raises(ListenerError, match="cls, pooler, mean, pieces, max"):
        build_bert_pooled_listener_v1(pooling="median")
