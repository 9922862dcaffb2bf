"""The factory `bert_embedder`: vectors that can be compared, and learned."""

import pickle  # noqa: TID251 (what multiprocessing does with a Doc)
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch.nn.functional as F
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_bert_plugin.errors import DataError, ListenerError, SettingError
from spacy_bert_plugin.layers import run_encoder
from spacy_bert_plugin.layers.apart_texts import make_texts_doc

MakeNlp = Callable[..., Language]
TEXTS = ["play some music", "", "book a table in london", " ", "is the weather good? rain"]
PAIRS = [
    ("play some music", "turn on the music please"),
    ("book a table", "find two in the house"),
    ("rain in berlin", "is the weather bad tomorrow"),
    ("set the alarm", "seven in the light"),
]
CNN = {
    "@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 32, "depth": 1,
    "embed_size": 200, "window_size": 1, "maxout_pieces": 2, "subword_features": True,
}  # fmt: skip
COSINE = {"@misc": "spacy-bert-plugin.CosineLoss.v1"}


def pooled(pooling: str) -> dict[str, Any]:
    return {"@architectures": "spacy-bert-plugin.BertPooledListener.v1", "pooling": pooling}


def make_inline(path: Path, output: str = "pieces") -> dict[str, Any]:
    return {
        "@architectures": "spacy-bert-plugin.BertEncoder.v1", "name": str(path),
        "output": output, "overlap": 8,
    }  # fmt: skip


def make_examples(nlp: Language, pairs: list[tuple[str, ...]] = PAIRS) -> list[Example]:
    return [Example(make_texts_doc(nlp, t), make_texts_doc(nlp, t)) for t in pairs]


@pytest.fixture
def make_embedder(make_nlp: MakeNlp) -> MakeNlp:
    def make(encoder: dict[str, Any] | None = None, **config: Any) -> Language:
        nlp = make_nlp(heads=False, **(encoder or {}))
        nlp.add_pipe("sentencizer", first=True)
        nlp.add_pipe("bert_embedder", config=config)
        nlp.initialize()
        return nlp

    return make


def embed(nlp: Language, texts: list[str] = TEXTS) -> np.ndarray:
    return np.stack([doc._.embedding for doc in nlp.pipe(texts)])


@pytest.mark.parametrize("pooling", ["pieces", "cls", "max", "mean", "pooler"])
def test_it_is_the_encoders_vector_of_length_one(make_embedder: MakeNlp, pooling: str) -> None:
    nlp = make_embedder(model={"tok2vec": pooled(pooling)})
    docs = [nlp.make_doc(text) for text in TEXTS]
    model = nlp.get_pipe("bert_transformer").model
    encoded, _, _ = run_encoder(model, docs, is_train=False, pooled=[pooling])
    expected = F.normalize(encoded.pooled[pooling], dim=1).numpy()
    assert np.allclose(embed(nlp), expected, atol=1e-5)
    plain = make_embedder(model={"tok2vec": pooled(pooling), "normalize": False})
    assert np.allclose(embed(plain), encoded.pooled[pooling].numpy(), atol=1e-5)


def test_batches_are_like_single_docs_and_empty_ones_are_zeros(make_embedder: MakeNlp) -> None:
    nlp = make_embedder(spans="sents")
    together = embed(nlp)
    alone = np.stack([nlp(text)._.embedding for text in TEXTS])
    assert np.allclose(together, alone, atol=1e-6)
    assert not together[1].any()
    assert np.linalg.norm(together[[0, 2, 4]], axis=1) == pytest.approx(1.0, abs=1e-5)
    assert nlp.get_pipe("bert_embedder").predict([]) == []
    assert list(nlp.pipe([])) == []


def test_sentences_have_the_vectors_of_docs(make_embedder: MakeNlp) -> None:
    nlp = make_embedder(spans="sents")
    doc = nlp("play some music . book a table !")
    for sent, text in zip(doc.sents, ["play some music .", "book a table !"], strict=True):
        alone = nlp(text)
        assert np.allclose(sent._.embedding, alone._.embedding, atol=1e-6)
        assert sent.similarity(alone) == pytest.approx(1.0, abs=1e-5)
        assert sent.has_vector
    first, second = doc.sents
    expected = float(first._.embedding @ second._.embedding)
    assert first.similarity(second) == pytest.approx(expected, abs=1e-6)
    assert first.similarity(doc) == pytest.approx(doc.similarity(first))


def test_spans_under_a_key_may_overlap(make_embedder: MakeNlp) -> None:
    nlp = make_embedder(spans="found")
    doc = nlp.make_doc("play some music in london")
    doc.spans["found"] = [doc[0:3], doc[2:5]]
    doc = nlp(doc)
    for span in doc.spans["found"]:
        assert np.allclose(span._.embedding, nlp(span.text)._.embedding, atol=1e-6)
    assert nlp("play")._.embedding is not None  # a Doc without the key has no such spans


def test_sentences_need_borders(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    nlp.add_pipe("bert_embedder", config={"spans": "sents"})
    nlp.initialize()
    with pytest.raises(SettingError, match="sentencizer"):
        nlp("play some music")


def test_docs_and_tokens_compare(make_embedder: MakeNlp) -> None:
    nlp = make_embedder(encoder={"keep": "tokens"})
    one, two = nlp.pipe(["play some music", "play some rain"])
    expected = float(one._.embedding @ two._.embedding)
    assert one.similarity(two) == pytest.approx(expected, abs=1e-6)
    assert np.array_equal(one.vector, one._.embedding)
    assert one.vector_norm == pytest.approx(1.0, abs=1e-5)
    assert one[0].similarity(two[0]) > one[2].similarity(two[2])
    assert np.allclose(one[0:2].vector, one.tensor[0:2].mean(axis=0), atol=1e-6)
    assert one[0:2].similarity(two[0:2]) > 0.9
    assert len(one[0:2].as_doc()) == 2


@pytest.mark.parametrize("keep", ["none", "doc"])
def test_spans_without_vectors_say_so(make_embedder: MakeNlp, keep: str) -> None:
    nlp = make_embedder(encoder={"keep": keep})
    doc = nlp("play some music")
    assert doc.similarity(doc) == pytest.approx(1.0)
    assert not doc[0:2].has_vector
    part = doc[0:2].as_doc()  # asks for the vector of the span, and must not fail
    for broken in (lambda: doc[0:2].similarity(doc), lambda: part.similarity(doc)):
        with pytest.raises(ListenerError, match='spans = "sents"'):
            broken()


def test_vectors_of_different_widths_are_not_compared(make_embedder: MakeNlp) -> None:
    nlp = make_embedder(encoder={"keep": "tokens"}, model={"dense_width": 8})
    doc = nlp("play some music")
    assert doc.vector.shape == (8,)
    with pytest.raises(ListenerError, match="8 and 32"):
        doc.similarity(doc[0])


@pytest.mark.filterwarnings("ignore:.*W109")
def test_vectors_survive_bytes_pickles_and_workers(make_embedder: MakeNlp) -> None:
    nlp = make_embedder(spans="sents")
    doc = nlp("play some music . book a table !")
    copied = Doc(nlp.vocab).from_bytes(doc.to_bytes())
    pickled = pickle.loads(pickle.dumps(doc))  # noqa: S301
    (worked,) = nlp.pipe([doc.text], n_process=2)
    for other in (copied, pickled, worked):
        assert np.allclose(other._.embedding, doc._.embedding, atol=1e-6)
        for one, two in zip(other.sents, doc.sents, strict=True):
            assert np.allclose(one._.embedding, two._.embedding, atol=1e-6)
    assert len(pickle.dumps(doc)) < 50_000  # the hooks do not take the encoder along
    nlp.get_pipe("bert_embedder").set_hooks(copied)
    assert copied.similarity(doc) == pytest.approx(1.0, abs=1e-5)


CASES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "shared": lambda path: {},
    "shared cls, dense": lambda path: {
        "tok2vec": pooled("cls"), "dense_width": 16, "dense_activation": "none",
    },
    "tokens": lambda path: {
        "tok2vec": {"@architectures": "spacy-bert-plugin.BertListener.v1", "upstream": "*"}
    },
    "inline": lambda path: {"tok2vec": make_inline(path)},
    "inline tokens": lambda path: {"tok2vec": make_inline(path, "tokens")},
    "a CNN": lambda path: {"tok2vec": CNN},
}  # fmt: skip


@pytest.mark.parametrize("case", list(CASES))
def test_it_learns_and_saves(
    make_nlp: MakeNlp, tiny_checkpoint: Path, tmp_path: Path, case: str
) -> None:
    nlp = make_nlp(heads=False)
    nlp.add_pipe("sentencizer", first=True)
    config = {"model": CASES[case](tiny_checkpoint), "spans": "sents"}
    nlp.add_pipe("bert_embedder", config=config)
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.003
    losses = [nlp.update(examples, sgd=optimizer)["bert_embedder"] for _ in range(30)]
    assert losses[-1] < 0.3 * losses[0]
    assert nlp.evaluate(examples)["similarity_mrr"] == 1.0
    nlp.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    from_bytes = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    for other in (loaded, from_bytes):
        assert np.array_equal(embed(other), embed(nlp))


def test_threads_give_the_same_bits(make_embedder: MakeNlp) -> None:
    nlp = make_embedder(spans="sents")
    texts = [f"play music {i} . book a table {i} !" for i in range(40)]
    expected = [nlp(text)._.embedding for text in texts]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: nlp(text)._.embedding, texts))
    assert all(np.array_equal(one, two) for one, two in zip(expected, found, strict=True))


def test_cosine_loss_moves_towards_the_gold_score(make_embedder: MakeNlp) -> None:
    nlp = make_embedder(loss=COSINE)
    examples = make_examples(nlp)
    for number, example in enumerate(examples):
        example.reference.cats["similarity"] = number / 3
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.003
    for _ in range(40):
        nlp.update(examples, sgd=optimizer)
    scores = nlp.evaluate(examples)
    assert scores["similarity_spearman"] == pytest.approx(1.0)
    assert scores["similarity_pearson"] > 0.9


def test_triplets_push_the_third_text_away(make_embedder: MakeNlp) -> None:
    nlp = make_embedder(loss={"@misc": "spacy-bert-plugin.TripletLoss.v1"})
    triple = ("play some music", "play the music", "play some rain")
    examples = make_examples(nlp, [triple])

    def measure() -> float:
        one, two, three = nlp.pipe(triple)
        return one.similarity(two) - one.similarity(three)

    before = measure()
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.003
    for _ in range(20):
        nlp.update(examples, sgd=optimizer)
    assert measure() > before + 0.2


def test_texts_of_a_doc_have_vectors_and_their_mean_is_the_docs(make_embedder: MakeNlp) -> None:
    nlp = make_embedder()
    doc = nlp(make_texts_doc(nlp, ["play some music", "rain"]))
    rows = [span._.embedding for span in doc.spans["texts"]]
    assert np.allclose(rows, embed(nlp, ["play some music", "rain"]), atol=1e-6)
    mean = np.mean(rows, axis=0)
    assert np.allclose(doc._.embedding, mean / np.linalg.norm(mean), atol=1e-6)
    assert np.allclose(nlp.get_pipe("bert_embedder").embed([doc]), rows, atol=1e-6)


def test_nothing_to_learn_changes_nothing(make_embedder: MakeNlp) -> None:
    nlp = make_embedder()
    before = embed(nlp)
    for texts in ([""], ["play music"], ["play music", "rain"]):
        examples = [Example(nlp.make_doc(text), nlp.make_doc(text)) for text in texts]
        assert nlp.update(examples, sgd=nlp.resume_training())["bert_embedder"] == 0.0
    assert np.allclose(embed(nlp), before, atol=1e-3)  # weights decay all the same


def test_a_frozen_encoder_stays_and_the_dense_map_learns(make_embedder: MakeNlp) -> None:
    nlp = make_embedder(model={"dense_width": 16})
    examples = make_examples(nlp)
    encoder = nlp.get_pipe("bert_transformer").to_bytes()
    optimizer = nlp.resume_training()
    losses = [
        nlp.update(
            examples, sgd=optimizer, exclude=["bert_transformer"], annotates=["bert_transformer"]
        )["bert_embedder"]
        for _ in range(10)
    ]
    assert losses[-1] < losses[0]
    assert nlp.get_pipe("bert_transformer").to_bytes() == encoder


def test_sourced_and_replaced_it_gives_the_same(make_embedder: MakeNlp, make_nlp: MakeNlp) -> None:
    nlp = make_embedder(spans="sents")
    expected = embed(nlp)
    other = spacy.blank("en")
    for name in nlp.pipe_names:
        other.add_pipe(name, source=nlp)
    assert np.array_equal(embed(other), expected)
    nlp.replace_listeners("bert_transformer", "bert_embedder", ["model.tok2vec"])
    assert np.allclose(embed(nlp), expected, atol=1e-6)


def test_texts_of_both_docs_must_be_the_same(make_embedder: MakeNlp) -> None:
    nlp = make_embedder()
    doc = make_texts_doc(nlp, PAIRS[0])
    example = Example(nlp.make_doc(doc.text), doc)
    with pytest.raises(DataError, match="the predicted Doc has not"):
        nlp.update([example])
    example.predicted.spans["texts"] = [example.predicted[:]]
    with pytest.raises(DataError, match="2 texts"):
        nlp.update([example])


@pytest.mark.parametrize("score", [1.5, -2.0, float("nan")])
def test_gold_scores_out_of_range_are_named(make_embedder: MakeNlp, score: float) -> None:
    nlp = make_embedder(loss=COSINE)
    (example,) = make_examples(nlp, PAIRS[:1])
    example.reference.cats["similarity"] = score
    with pytest.raises(DataError, match="turn on the music"):
        nlp.update([example])


@pytest.mark.parametrize(
    "config",
    [
        {"spans": ""},
        {"score_key": ""},
        {"model": {"dense_width": -1}},
        {"model": {"dense_activation": "sigmoid"}},
        {"model": {"tok2vec": pooled("median")}},
    ],
    ids=str,
)
def test_bad_settings_are_named(make_nlp: MakeNlp, config: dict[str, Any]) -> None:
    nlp = make_nlp(heads=False)
    with pytest.raises((SettingError, ListenerError), match=r"spans|score_key|dense_|pooling"):
        nlp.add_pipe("bert_embedder", config=config)


def test_without_weights_it_says_so(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    nlp.add_pipe("bert_embedder")
    nlp.get_pipe("bert_transformer").initialize(nlp=nlp)
    with pytest.raises(ListenerError, match="no weights"):
        nlp("play")


def test_foreign_listeners_cannot_embed_spans(make_nlp: MakeNlp) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("tok2vec", config={"model": CNN})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32, "upstream": "*"}
    nlp.add_pipe("bert_embedder", config={"model": {"tok2vec": listener}, "spans": "sents"})
    nlp.initialize()
    with pytest.raises(ListenerError, match="BertPooledListener"):
        nlp("play some music")
    nlp.get_pipe("bert_embedder").spans = None
    assert nlp("play some music")._.embedding.shape == (32,)
