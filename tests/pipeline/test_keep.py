"""What stays on a Doc, and what is an error because it did not stay."""

import copy
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_bert_plugin.errors import ListenerError, SettingError

MakeNlp = Callable[..., Language]


@pytest.fixture(params=["none", "doc", "tokens", "all"])
def keep(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def kept(make_nlp: MakeNlp, keep: str) -> Doc:
    nlp = make_nlp(heads=False, keep=keep)
    nlp.initialize()
    return nlp("the house in [SEP] parisian  street")


def test_doc_vector(kept: Doc, keep: str) -> None:
    if keep == "none":
        with pytest.raises(ListenerError, match='keep = "none"'):
            _ = kept.vector
        return
    assert kept.vector.shape == (32,)
    assert kept.vector.any()
    assert kept.has_vector
    if keep != "doc":
        np.testing.assert_allclose(kept.vector, kept.tensor.mean(axis=0), atol=1e-6)


def test_token_vectors(kept: Doc, keep: str) -> None:
    if keep in ("none", "doc"):
        assert not kept[0].has_vector
        with pytest.raises(ListenerError, match='keep = "tokens"'):
            _ = kept[0].vector
        with pytest.raises(ListenerError, match='keep = "tokens"'):
            kept[0].similarity(kept[1])
    else:
        np.testing.assert_array_equal(kept[1].vector, kept.tensor[1])
        assert kept[0].similarity(kept[0]) == pytest.approx(1.0, abs=1e-6)


def test_span_vectors(kept: Doc, keep: str) -> None:
    span = kept[1:3]
    if keep in ("none", "doc"):
        assert not span.has_vector
        for use in (
            np.asarray,
            float,
            len,
            list,
            repr,
            lambda v: v.sum(),
            lambda v: v @ v,
            lambda v: v + 1,
        ):
            with pytest.raises(ListenerError, match='keep = "tokens"'):
                use(span.vector)
        with pytest.raises(ListenerError, match='keep = "tokens"'):
            span.similarity(kept[0:1])
    else:
        np.testing.assert_allclose(span.vector, kept.tensor[1:3].mean(axis=0), atol=1e-6)


def test_spans_and_docs_can_be_copied(kept: Doc, keep: str) -> None:
    part = kept[1:3].as_doc()
    assert part.text == "house in "[: len(part.text)]
    assert kept.copy().text == copy.deepcopy(kept).text == kept.text
    if keep in ("none", "doc"):  # the copy must not answer with the vector of the whole
        with pytest.raises(ListenerError):
            np.asarray(part.vector)


def test_similarity_of_docs(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    nlp.initialize()
    one, same, other, empty = nlp.pipe(["the house", "the house", "rain in paris tomorrow", ""])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert one.similarity(same) == pytest.approx(1.0, abs=1e-5)
        assert one.similarity(other) < 0.9999
        assert one.similarity(empty) == 0.0


def test_vectors_are_copies_that_keep_nothing_alive(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False, keep="tokens")
    nlp.initialize()
    doc = next(iter(nlp.pipe(["the house"] * 50)))
    assert doc.vector.base is None
    base = doc.tensor.base
    assert base is None or base.nbytes == doc.tensor.nbytes


def test_trf_data_needs_keep_all(kept: Doc, keep: str) -> None:
    if keep != "all":
        with pytest.raises(ListenerError, match='keep = "all"'):
            _ = kept._.trf_data
    else:
        assert kept._.trf_data.num_outputs == 3


def test_trf_data_by_token(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False, keep="all")
    nlp.initialize()
    doc = nlp("the house in parisian  street " * 20)  # several windows
    data = doc._.trf_data
    state = data.last_hidden_layer_state
    assert state.dataXd.shape[1] == data.width == 32
    assert len(state.lengths) == len(doc)
    for i in range(len(doc)):
        rows = state[i].dataXd
        expected = rows.mean(axis=0) if len(rows) else np.zeros(32)
        np.testing.assert_allclose(doc.tensor[i], expected, atol=1e-5)
    assert len(data.all_outputs) == 3
    assert len(data.all_hidden_layer_states) == 2
    assert data.embedding_layer.dataXd.shape == state.dataXd.shape


def test_trf_data_by_window(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False, keep="all")
    nlp.initialize()
    doc = nlp("the house in parisian  street " * 20)
    data = doc._.trf_data
    hidden = data.model_output.last_hidden_state
    n_windows, n_longest, width = hidden.shape
    assert n_windows > 1
    assert data.tensors[0].shape == hidden.shape
    flat = hidden.reshape(-1, width)
    for i in range(len(doc)):
        rows = flat[data.align[i].dataXd.reshape(-1)]
        expected = rows.mean(axis=0) if len(rows) else np.zeros(32)
        np.testing.assert_allclose(doc.tensor[i], expected, atol=1e-5)
    pieces = data.wordpieces
    assert pieces.input_ids.shape == (n_windows, n_longest)
    assert pieces.strings[0][0] == "[CLS]"
    assert pieces.strings[-1][-1] == "[SEP]"
    assert pieces.attention_mask.sum() == sum(pieces.lengths)


def test_trf_data_of_an_empty_doc(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False, keep="all")
    nlp.initialize()
    data = nlp("")._.trf_data
    assert data.last_hidden_layer_state.dataXd.shape == (0, 32)
    assert data.tensors[0].shape == (0, 0, 32)


def test_doc_that_no_encoder_has_seen_has_no_trf_data(nlp: Language) -> None:
    assert nlp.make_doc("the house")._.trf_data is None


def test_docs_travel_through_docbin(kept: Doc) -> None:
    data = DocBin(store_user_data=True, docs=[kept]).to_bytes()
    (doc,) = DocBin().from_bytes(data).get_docs(kept.vocab)
    assert doc.text == kept.text


@pytest.mark.filterwarnings("ignore:.W109.*:UserWarning")
def test_docs_travel_as_bytes(kept: Doc, keep: str) -> None:
    doc = Doc(kept.vocab).from_bytes(kept.to_bytes())
    assert doc.text == kept.text
    if keep in ("tokens", "all"):
        np.testing.assert_array_equal(doc.tensor, kept.tensor)
        np.testing.assert_allclose(doc.vector, kept.vector, atol=1e-6)


@pytest.mark.parametrize("value", ["some", "", "Doc"])
def test_unknown_keep_is_an_error(make_nlp: MakeNlp, value: str) -> None:
    with pytest.raises(SettingError, match="keep"):
        make_nlp(heads=False, keep=value)
