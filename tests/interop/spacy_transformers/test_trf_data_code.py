"""Code that was written for `doc._.trf_data` of either library runs unchanged on ours."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from tests.interop.spacy_transformers.conftest import need

pytestmark = pytest.mark.compat
MakeNlp = Callable[..., Language]
TEXTS = ["please book two for tomorrow in parisian", "play  some music!", "rain"]


def embed_as_keybert(nlp: Language, texts: list[str]) -> np.ndarray:
    """What KeyBERT's backend for spaCy does with a transformer pipeline."""
    rows = [nlp(text)._.trf_data.tensors[-1][0].tolist() for text in texts]
    return np.array(rows)


def pool_tokens(doc: Doc) -> np.ndarray:
    """A recipe from the forum: one vector a token out of tensors and alignment."""
    data = doc._.trf_data
    tensor = data.tensors[0].reshape(-1, data.tensors[0].shape[-1])
    rows = [tensor[data.align[i].dataXd.flatten()].mean(axis=0) for i in range(len(doc))]
    return np.stack(rows)


def read_align_data(doc: Doc) -> list[list[int]]:
    return [doc._.trf_data.align[i].data.flatten().tolist() for i in range(len(doc))]


def read_pieces(doc: Doc) -> tuple[Any, ...]:
    pieces = doc._.trf_data.wordpieces
    return pieces.strings, pieces.input_ids.tolist(), list(pieces.lengths), len(pieces)


@pytest.fixture
def ours(tiny_checkpoint: Path) -> Language:
    nlp = spacy.blank("en")
    model = {"name": str(tiny_checkpoint), "overlap": 8}
    nlp.add_pipe("bert_transformer", config={"model": model, "keep": "all"})
    nlp.initialize()
    return nlp


@pytest.fixture
def theirs(make_theirs: MakeNlp) -> Language:
    nlp = make_theirs("doc")
    nlp.remove_pipe("textcat")
    nlp.remove_pipe("ner")
    nlp.initialize()
    return nlp


def test_keybert_gets_one_vector_a_text(ours: Language) -> None:
    assert embed_as_keybert(ours, TEXTS).shape == (3, 32)


def test_keybert_gets_the_same_vectors(ours: Language, theirs: Language) -> None:
    np.testing.assert_allclose(
        embed_as_keybert(ours, TEXTS), embed_as_keybert(theirs, TEXTS), atol=1e-5
    )


@pytest.mark.parametrize("text", TEXTS)
def test_tensors_alignment_and_pieces_are_the_same(
    ours: Language, theirs: Language, text: str
) -> None:
    doc, reference = ours(text), theirs(text)
    data, expected = doc._.trf_data, reference._.trf_data
    assert isinstance(data.tensors, tuple)
    assert [t.shape for t in data.tensors] == [t.shape for t in expected.tensors]
    for got, tensor in zip(data.tensors, expected.tensors, strict=True):
        np.testing.assert_allclose(got, tensor, atol=1e-5)
    assert read_align_data(doc) == read_align_data(reference)
    assert read_pieces(doc) == read_pieces(reference)
    np.testing.assert_allclose(
        data.model_output.last_hidden_state, expected.model_output.last_hidden_state, atol=1e-5
    )
    np.testing.assert_allclose(
        data.model_output["pooler_output"], expected.model_output["pooler_output"], atol=1e-5
    )
    assert ("last_hidden_state" in data.model_output) is True
    assert data.align.data.shape == expected.align.data.shape
    assert data.width == expected.width


def test_pooled_tokens_are_the_same(ours: Language, theirs: Language) -> None:
    text = "please book two for tomorrow in parisian"
    np.testing.assert_allclose(pool_tokens(ours(text)), pool_tokens(theirs(text)), atol=1e-5)
    np.testing.assert_allclose(pool_tokens(ours(text)), ours(text).tensor, atol=1e-5)


def test_slices_of_pieces(ours: Language, theirs: Language) -> None:
    for nlp in (ours, theirs):
        pieces = nlp(TEXTS[0])._.trf_data.wordpieces
        assert pieces[0].strings == pieces.strings[:1]
        assert pieces.to_dict()["input_ids"].shape == pieces.input_ids.shape


def test_the_layers_of_curated(ours: Language) -> None:
    need({"@architectures": "spacy-curated-transformers."})
    from spacy_curated_transformers.models.output import DocTransformerOutput

    data = ours(TEXTS[0])._.trf_data
    theirs = DocTransformerOutput(all_outputs=data.all_outputs, last_layer_only=False)
    for name in ("last_hidden_layer_state", "embedding_layer"):
        got, expected = getattr(data, name), getattr(theirs, name)
        assert (got.dataXd == expected.dataXd).all()
        assert (got.lengths == expected.lengths).all()
    assert len(data.all_hidden_layer_states) == len(theirs.all_hidden_layer_states) == 2
    assert data.num_outputs == theirs.num_outputs == 3
    assert data.last_layer_only == theirs.last_layer_only


def test_objects_of_spacy_transformers_know_ours(ours: Language) -> None:
    need({"@architectures": "spacy-transformers."})
    from spacy_transformers.data_classes import TransformerData
    from spacy_transformers.layers import trfs2arrays
    from thinc.api import reduce_mean

    doc = ours(TEXTS[0])
    assert isinstance(doc._.trf_data, TransformerData)
    vectors = trfs2arrays(reduce_mean(), 1.0).predict([doc._.trf_data])
    np.testing.assert_allclose(vectors[0], doc.tensor, atol=1e-5)
