"""Scores of vectors, worked out by hand."""

import numpy as np
import pytest
import spacy
from spacy.training import Example

from spacy_bert_plugin.errors import DataError
from spacy_bert_plugin.layers.apart_texts import make_texts_doc
from spacy_bert_plugin.pipeline.apart_examples import build_apart_v1
from spacy_bert_plugin.pipeline.embedding_scoring import score_embeddings
from spacy_bert_plugin.pipeline.similarity_hooks import install_embeddings
from spacy_bert_plugin.util.pairs import make_pair_doc

NLP = spacy.blank("en")
install_embeddings()


def make_example(
    texts: list[str], angles: list[float], score: float | None = None, *, embedded: bool = True
) -> Example:
    """An Example whose texts have vectors of these angles, in degrees."""
    example = Example(make_texts_doc(NLP, texts), make_texts_doc(NLP, texts))
    for span, angle in zip(example.predicted.spans["texts"], np.radians(angles), strict=True):
        if embedded:
            span._.embedding = np.array([np.cos(angle), np.sin(angle)], dtype="f")
    if score is not None:
        example.reference.cats["similarity"] = score
    return example


def test_each_first_text_looks_for_the_second_one() -> None:
    examples = [
        make_example(["a", "x"], [0, 5]),  # found at once
        make_example(["b", "y"], [0, 10]),  # x comes before it
        make_example(["c", "z", "w"], [90, 60, 80]),  # its own third text comes before it
        make_example(["d", "v"], [180, 0], 0.0),  # does not belong together: no query
        make_example(["alone"], [0]),
    ]
    scores = score_embeddings(examples, name="e")
    assert scores["similarity_mrr"] == pytest.approx((1 / 2 + 1 / 3 + 1 / 2) / 3)
    assert scores["similarity_recall_1"] == 0.0
    assert scores["similarity_recall_5"] == 1.0
    assert scores["similarity_spearman"] is None
    assert scores["similarity_score"] == scores["similarity_mrr"]


def test_a_text_that_comes_twice_is_one_candidate() -> None:
    examples = [make_example(["a", "x"], [0, 5]), make_example(["b", "x"], [10, 5])]
    examples.append(make_example(["c", "y"], [90, 90]))
    assert score_embeddings(examples, name="e")["similarity_mrr"] == pytest.approx(1.0)


def test_cosines_are_compared_with_gold_scores() -> None:
    examples = [
        make_example(["a", "b"], [0, angle], score)
        for angle, score in ((0, 1.0), (30, 0.9), (90, 0.2), (60, 0.4))
    ]
    scores = score_embeddings(examples, name="e")
    assert scores["similarity_spearman"] == pytest.approx(1.0)
    cosines = np.cos(np.radians([0, 30, 90, 60]))
    expected = np.corrcoef(cosines, [1.0, 0.9, 0.2, 0.4])[0, 1]
    assert scores["similarity_pearson"] == pytest.approx(expected, abs=1e-6)


def test_without_vectors_or_texts_there_are_no_scores() -> None:
    plain = Example(NLP("play"), NLP("play"))
    for examples in ([], [plain], [make_example(["a", "b"], [0, 0], embedded=False)]):
        assert set(score_embeddings(examples, name="e").values()) == {None}


def test_gold_scores_out_of_range_are_named() -> None:
    with pytest.raises(DataError, match=r"got 5\.0 for the text 'play music'"):
        score_embeddings([make_example(["play", "music"], [0, 0], 5.0)], name="e")


def test_examples_of_pairs_are_read_apart() -> None:
    pair = make_pair_doc(NLP, "play music", "book a table")
    pair.cats["similarity"] = 0.5
    (example,) = build_apart_v1()(NLP, Example(NLP(pair.text), pair))
    for doc in (example.predicted, example.reference):
        assert [span.text for span in doc.spans["texts"]] == ["play music", "book a table"]
        assert "pair" not in doc.spans
    assert example.reference.cats == {"similarity": 0.5}
    assert "pair" in pair.spans  # the Doc of the corpus stays as it is
    plain = Example(NLP("play"), NLP("play"))
    assert list(build_apart_v1()(NLP, plain)) == [plain]
