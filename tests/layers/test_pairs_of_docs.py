"""Docs of two texts: made, stored, read, refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus, Example

from spacy_bert_plugin.errors import DataError
from spacy_bert_plugin.training.corpora import build_corpus_v1
from spacy_bert_plugin.util.pairs import (
    check_pairs,
    check_sides,
    make_pair_doc,
    make_pair_docs,
    read_pair,
    retokenize_texts,
)

NLP = spacy.blank("en")


def show(doc: Doc) -> list[str]:
    return [span.text for span in doc.spans["pair"]]


@pytest.mark.parametrize(
    ("first", "second"),
    [("Where is it?", "It's here."), ("a\n", "b"), (" \n ", "b"), ("a", " "), ("a  ", "  b")],
)
def test_texts_come_back(first: str, second: str) -> None:
    doc = make_pair_doc(NLP, first, second)
    assert [text.strip() for text in show(doc)] == [first.strip(), second.strip()]
    again = retokenize_texts(NLP, doc)
    assert again is not None
    assert (again.text, show(again)) == (doc.text, show(doc))
    (stored,) = DocBin(docs=[doc]).get_docs(NLP.vocab)
    assert show(stored) == show(doc)
    assert show(Doc(NLP.vocab).from_bytes(doc.to_bytes())) == show(doc)


@pytest.mark.parametrize("pair", [("", "b"), ("a", "")])
def test_missing_sides_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(DataError, match="at least one token"):
        make_pair_doc(NLP, *pair)


def test_annotated_docs_are_taken_as_they_are() -> None:
    first = NLP("in London")
    first.set_ents([first.char_span(3, 9, label="CITY")])
    doc = make_pair_doc(NLP, "where ?", first)
    assert [(ent.text, ent.start) for ent in doc.ents] == [("London", 3)]
    assert read_pair(NLP("one")) is None
    assert [show(d) for d in make_pair_docs(NLP, [("a", "b"), ("c", "d")])] == [
        ["a", "b"],
        ["c", "d"],
    ]


def test_words_without_known_spaces_stay_words() -> None:
    words = Doc(NLP.vocab, words=["a.b", "c"])
    words.spans["pair"] = [words[:1], words[1:]]
    again = retokenize_texts(NLP, words)
    assert again is not None
    assert ([token.text for token in again], show(again)) == (["a.b", "c"], ["a.b", "c"])


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    gold = make_pair_doc(NLP, "Hello there.", "Hi.")
    gold.cats = {"YES": 1.0, "NO": 0.0}
    for token in gold:
        token.is_sent_start = token.i in (0, 3)
    path = tmp_path / "pairs.spacy"
    DocBin(docs=[gold, NLP("one text")]).to_disk(path)
    return path


@pytest.mark.parametrize("gold_preproc", [False, True])
@pytest.mark.parametrize("max_length", [0, 2])
def test_our_reader_gives_both_sides_the_texts(
    stored: Path, gold_preproc: bool, max_length: int
) -> None:
    read = build_corpus_v1(stored, gold_preproc=gold_preproc, max_length=max_length)
    pair = next(iter(read(NLP)))
    assert show(pair.predicted) == show(pair.reference) == ["Hello there.", "Hi."]
    assert not pair.predicted.cats
    assert check_sides([pair]) is None


def test_readers_of_spacy_are_noticed(stored: Path, make_pairs_nlp: Callable[[], Language]) -> None:
    nlp = make_pairs_nlp()
    examples = list(Corpus(stored)(nlp))[:1]
    for call in (nlp.evaluate, nlp.update):
        with pytest.raises(DataError, match=r"spacy-bert-plugin\.Corpus\.v1"):
            call(examples)


@pytest.fixture
def make_pairs_nlp(tiny_checkpoint: Path) -> Callable[[], Language]:
    def make() -> Language:
        spacy.util.fix_random_seed(0)
        nlp = spacy.blank("en")
        model = {"name": str(tiny_checkpoint), "overlap": 4}
        nlp.add_pipe("bert_transformer", config={"model": model, "keep": "all"})
        tok2vec = {"@architectures": "spacy-bert-plugin.BertPooledListener.v1", "pooling": "cls"}
        nlp.add_pipe("bert_textcat", config={"model": {"tok2vec": tok2vec}})
        nlp.initialize(lambda: make_examples(nlp))
        return nlp

    return make


def make_examples(nlp: Language) -> list[Example]:
    """The second text decides: it is one word of the first, or none."""
    examples = []
    for first, second in (("good house", "good"), ("good house", "rain"), ("bad rain", "rain")):
        docs = [make_pair_doc(nlp, first, second) for _ in range(2)]
        is_in = float(second in first)
        docs[1].cats = {"YES": is_in, "NO": 1.0 - is_in}
        examples.append(Example(*docs))
    return examples


def test_textcat_learns_pairs(make_pairs_nlp: Callable[[], Language]) -> None:
    nlp = make_pairs_nlp()
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    optimizer.learn_rate = 0.005
    losses = [nlp.update(make_examples(nlp), sgd=optimizer)["bert_textcat"] for _ in range(30)]
    assert losses[-1] < 0.3 * losses[0]
    assert nlp.evaluate(make_examples(nlp))["cats_score"] == 1.0
    pairs = [("good house", "good"), ("bad rain", "rain")]
    (one, two) = nlp.pipe(make_pair_docs(nlp, pairs), n_process=1)
    assert one.cats["YES"] > 0.5 < two.cats["YES"]


def test_trf_data_shows_the_pieces_of_the_pair(make_pairs_nlp: Callable[[], Language]) -> None:
    nlp = make_pairs_nlp()
    long = "the house is good and the weather in berlin is bad " * 8
    docs = [make_pair_doc(nlp, "rain ?", "the rain"), nlp("plain"), make_pair_doc(nlp, "a", long)]
    pair, plain, split = (nlp(doc)._.trf_data for doc in docs)
    assert pair.wordpieces.strings == [["[CLS]", "rain", "?", "[SEP]", "the", "rain", "[SEP]"]]
    assert pair.wordpieces.token_type_ids.tolist() == [[0, 0, 0, 0, 1, 1, 1]]
    assert plain.wordpieces.token_type_ids.sum() == 0
    assert len(split.wordpieces) > 1
    for doc, data in zip(docs, (pair, plain, split), strict=True):
        state = data.last_hidden_layer_state
        begins = np.cumsum(state.lengths) - state.lengths
        for token, begin, length in zip(doc, begins, state.lengths, strict=True):
            mean = state.dataXd[begin : begin + length].mean(axis=0)
            np.testing.assert_allclose(mean, doc.tensor[token.i], atol=1e-5)
        flat = data.model_output.last_hidden_state.reshape(-1, 32)
        np.testing.assert_allclose(flat[data.align.dataXd[:, 0]], state.dataXd, atol=1e-6)


def test_a_doc_that_is_no_pair() -> None:
    with pytest.raises(DataError, match="a Doc of 2 tokens"):
        check_pairs([make_pair_doc(NLP, "a", "b"), NLP("one text")], name="x")
