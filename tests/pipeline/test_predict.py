"""Prediction: any text, any batch, any thread gives the same vectors."""

import itertools
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from spacy_bert_plugin.errors import ListenerError, SettingError, TextError
from spacy_bert_plugin.layers import get_shim
from tests.pipeline.conftest import TRAIN

MakeNlp = Callable[..., Language]
TEXTS = [text for text, _ in TRAIN]
BLANKS = [" ", "\n", "\t\t\r\n", "\u00a0", "\u2009", "\u3000", "\u200b", "\u200d", "\u200c"]
BLANKS += ["\ufffd", "\ue000", "\ufdd0", "\ufeff", "\u2060", "\u00ad", "\ufe0f", "\u0301", "\x00"]
HARD = ["👨\u200d👩\u200d👧 🇩🇪", "👍🏽", "a" + "\u0301" * 200, "\u202eאבג\u202c x", "x" * 5000]
HARD += [
    "ﬁ İ ß Ａ",
    "[CLS] [SEP] [PAD] [MASK] [UNK] <s>",
    "##ing ▁x Ġx",
    "مرحبا بالعالم",
    "今天很好",
]


@pytest.fixture
def encoder_nlp(make_nlp: MakeNlp) -> Language:
    """The encoder alone, with token vectors kept."""
    nlp = make_nlp(heads=False, keep="tokens")
    nlp.initialize()
    return nlp


def get_tensors(docs: Any) -> list[np.ndarray]:
    return [np.asarray(doc.tensor) for doc in docs]


def test_encoder_loads_without_examples(encoder_nlp: Language) -> None:
    doc = encoder_nlp("the house in paris")
    assert doc.tensor.shape == (4, 32)
    assert np.isfinite(doc.tensor).all()


def test_empty_doc_has_no_vectors(encoder_nlp: Language) -> None:
    assert encoder_nlp("").tensor.shape == (0, 32)
    assert list(encoder_nlp.pipe([])) == []
    assert list(encoder_nlp.pipe(iter(()))) == []


@pytest.mark.parametrize("text", BLANKS, ids=ascii)
def test_blank_text_gives_finite_vectors(encoder_nlp: Language, text: str) -> None:
    doc = encoder_nlp(text)
    assert doc.tensor.shape == (len(doc), 32)
    assert np.isfinite(doc.tensor).all()
    assert doc.text == text


def test_token_without_pieces_gets_zeros(encoder_nlp: Language) -> None:
    doc = encoder_nlp("the  house")
    assert [token.is_space for token in doc] == [False, True, False]
    assert not doc.tensor[1].any()
    assert doc.tensor[0].any()


@pytest.mark.parametrize("text", HARD, ids=lambda text: ascii(text)[:20])
def test_hard_text_gives_finite_vectors(encoder_nlp: Language, text: str) -> None:
    doc = encoder_nlp(text)
    assert doc.tensor.shape == (len(doc), 32)
    assert np.isfinite(doc.tensor).all()
    assert any(vector.any() for vector in doc.tensor)


def test_only_empty_docs_do_not_run_the_encoder(encoder_nlp: Language, monkeypatch: Any) -> None:
    encoder = get_shim(encoder_nlp.get_pipe("bert_transformer").model).encoder
    calls: list[int] = []
    monkeypatch.setattr(type(encoder), "forward", lambda *a, **k: calls.append(1))
    assert [doc.tensor.shape for doc in encoder_nlp.pipe(["", "", ""])] == [(0, 32)] * 3
    assert calls == []


def test_alone_equals_in_a_batch_equals_permuted(encoder_nlp: Language) -> None:
    texts = [*TEXTS, "", " ", *HARD, "the house in " * 60]
    alone = [np.asarray(encoder_nlp(text).tensor) for text in texts]
    together = get_tensors(encoder_nlp.pipe(texts))
    backwards = get_tensors(encoder_nlp.pipe(texts[::-1]))[::-1]
    twice = get_tensors(encoder_nlp.pipe(texts + texts))
    for i, expected in enumerate(alone):
        for other in (together[i], backwards[i], twice[i], twice[len(texts) + i]):
            np.testing.assert_allclose(other, expected, atol=1e-5)


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=6))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text(encoder_nlp: Language, texts: list[str]) -> None:
    for text, doc in zip(texts, encoder_nlp.pipe(texts), strict=True):
        assert doc.text == text
        assert doc.tensor.shape == (len(doc), 32)
        assert np.isfinite(doc.tensor).all()
        np.testing.assert_allclose(doc.tensor, encoder_nlp(text).tensor, atol=1e-5)


def test_long_doc_is_never_cut(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False, keep="tokens", model={"batch_pieces": 128})
    nlp.initialize()
    doc = nlp("the house in paris is good . " * 200)
    assert doc.tensor.shape[0] == len(doc) == 1400
    assert (np.abs(doc.tensor).sum(axis=1) > 0).all()


def test_sentence_after_a_huge_word_is_unaffected(make_nlp: MakeNlp) -> None:
    # Windows see other neighbours, so only tokens beyond the overlap are compared.
    nlp = make_nlp(heads=False, keep="tokens", model={"max_pieces": 24, "overlap": 2})
    nlp.initialize()
    tail = " play some music in the kitchen please and book a table for two at seven in london"
    short, long = nlp("x" * 30 + tail), nlp("http://" + "y/z" * 4000 + tail)
    assert long.tensor.shape[0] == len(long)
    assert (np.abs(long.tensor).sum(axis=1) > 0).all()
    assert [t.text for t in long[-5:]] == [t.text for t in short[-5:]]


def test_time_grows_linearly_with_one_word(encoder_nlp: Language) -> None:
    pieces = get_shim(encoder_nlp.get_pipe("bert_transformer").model).checkpoint.tokenizer
    assert len(pieces.encode(["a" * 100_000])[0]) < 100_001
    assert np.isfinite(encoder_nlp("a" * 100_000).tensor).all()


@pytest.mark.parametrize("value", [0, -1, "8", 2.5, True, None])
def test_impossible_batch_size_is_an_error(encoder_nlp: Language, value: Any) -> None:
    with pytest.raises(SettingError, match="batch_size"):
        encoder_nlp.get_pipe("bert_transformer").pipe([], batch_size=value)


def test_batch_size_zero_in_nlp_pipe_is_an_error(encoder_nlp: Language) -> None:
    with pytest.raises(SettingError, match="batch_size"):
        list(encoder_nlp.pipe(TEXTS, batch_size=0))


def test_huge_batch_size_works(nlp: Language) -> None:
    assert len(list(nlp.pipe(TEXTS, batch_size=10**9))) == len(TEXTS)


def test_error_in_the_stream_keeps_what_came_before(encoder_nlp: Language) -> None:
    def stream() -> Iterator[str]:
        yield "the house"
        raise KeyError("stream broke")

    got = []
    pipe = encoder_nlp.pipe(stream(), batch_size=1)
    with pytest.raises(KeyError, match="stream broke"):
        got.extend(doc.text for doc in pipe)
    assert got == ["the house"]
    assert len(list(encoder_nlp.pipe(TEXTS))) == len(TEXTS)


def test_one_bad_doc_is_the_only_one_lost(encoder_nlp: Language, monkeypatch: Any) -> None:
    pipe = encoder_nlp.get_pipe("bert_transformer")
    original, failed = pipe._start, []

    def start(docs: list[Doc]) -> Any:
        if any(doc.text == TEXTS[2] for doc in docs):
            raise RuntimeError("cannot")
        return original(docs)

    monkeypatch.setattr(pipe, "_start", start)
    pipe.set_error_handler(lambda name, proc, docs, error: failed.extend(d.text for d in docs))
    assert [doc.text for doc in encoder_nlp.pipe(TEXTS)] == [TEXTS[0], TEXTS[1], TEXTS[3]]
    assert failed == [TEXTS[2]]


def test_lone_surrogate_is_an_error(encoder_nlp: Language) -> None:
    with pytest.raises((TextError, UnicodeEncodeError)):
        encoder_nlp("bad \ud800 text")


def test_interleaved_pipes(nlp: Language) -> None:
    expected = [doc.cats for doc in nlp.pipe(TEXTS)]
    one, two = nlp.pipe(TEXTS, batch_size=2), nlp.pipe(TEXTS, batch_size=3)
    pairs = list(zip(one, two, strict=True))
    for (a, b), cats in zip(pairs, expected, strict=True):
        assert a.cats == pytest.approx(cats, abs=1e-5)
        assert b.cats == pytest.approx(cats, abs=1e-5)


def test_consumer_that_stops_early(nlp: Language) -> None:
    before = threading.active_count()
    assert len(list(itertools.islice(nlp.pipe(TEXTS * 50, batch_size=4), 3))) == 3
    assert threading.active_count() == before


@pytest.mark.parametrize("n_threads", [2, 8])
def test_threads_give_bit_equal_vectors(encoder_nlp: Language, n_threads: int) -> None:
    texts = [text + " house" * (n % 7) for n, text in enumerate(TEXTS * 10)]
    expected = get_tensors(encoder_nlp.pipe(texts, batch_size=16))
    results: list[list[np.ndarray]] = []

    def work() -> None:
        results.append(get_tensors(encoder_nlp.pipe(texts, batch_size=16)))

    threads = [threading.Thread(target=work) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == n_threads
    for result in results:
        assert all(np.array_equal(a, b) for a, b in zip(result, expected, strict=True))


def test_prediction_beside_training_has_no_dropout(nlp: Language) -> None:
    from tests.pipeline.conftest import make_examples

    pipe = nlp.get_pipe("bert_transformer")
    docs = [nlp.make_doc(text) for text in TEXTS]
    expected = [item.outputs["tokens"].copy() for item in pipe.predict(docs)]
    stop, wrong = threading.Event(), []

    def predict() -> None:
        while not stop.is_set():
            got = [item.outputs["tokens"] for item in pipe.predict(docs)]
            wrong.extend(not np.array_equal(a, b) for a, b in zip(got, expected, strict=True))

    thread = threading.Thread(target=predict)
    thread.start()
    for _ in range(5):
        pipe.update(make_examples(nlp), drop=0.5)
    stop.set()
    thread.join()
    assert wrong
    assert not any(wrong)


def test_retokenised_doc_gets_vectors_of_its_own_tokens(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    nlp.add_pipe("merge_entities", after="bert_transformer")
    from tests.pipeline.conftest import make_examples

    nlp.initialize(lambda: make_examples(nlp))
    doc = nlp.make_doc("play music in new york tonight")
    doc = nlp.get_pipe("bert_transformer")(doc)
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[3:5])
    listener = next(n for n in nlp.get_pipe("ner").model.walk() if n.name == "bert_listener")
    (vectors,) = listener.predict([doc])
    (expected,) = nlp.get_pipe("bert_transformer").predict([doc])
    assert vectors.shape == (5, 32)
    np.testing.assert_allclose(vectors, expected.outputs["tokens"], atol=1e-6)


def test_encoder_without_weights_says_what_to_do(make_nlp: MakeNlp) -> None:
    with pytest.raises(ListenerError, match=r"nlp\.initialize\(\)"):
        make_nlp(heads=False)("the house")


def test_predictions_raise_no_warnings(nlp: Language) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(nlp.pipe(TEXTS))
