"""Scores, vectors, sizes and sample texts."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import spacy
from small_pipelines import TEXTS, TRAIN
from spacy.tokens import DocBin

from spacy_bert_plugin.compression import (
    check_scores,
    choose_metrics,
    compare_vectors,
    measure_components,
    measure_folder,
    sample_texts,
    score_pipeline,
)
from spacy_bert_plugin.compression.vectors import measure_cosines
from spacy_bert_plugin.errors import SettingError

DATA = Path("dev.spacy")


def check(before: Mapping[str, float], after: Mapping[str, float], bound: float) -> object:
    return check_scores(before, after, list(before), bound=bound, precision="int8", data=DATA)


def test_scores_may_drop_by_the_bound_and_no_further() -> None:
    assert check({"ents_f": 0.805}, {"ents_f": 0.8}, 0.5) == {"ents_f": (0.805, 0.8)}
    assert check({"ents_f": 0.5}, {"ents_f": 0.9}, 0.0) == {"ents_f": (0.5, 0.9)}
    with pytest.raises(SettingError, match=r"ents_f drops from 80\.60 to 80\.00.*0\.5 points"):
        check({"ents_f": 0.806, "cats_score": 0.1}, {"ents_f": 0.8, "cats_score": 0.1}, 0.5)
    with pytest.raises(SettingError, match=r"to 0\.00"):
        check({"ents_f": 0.8}, {}, 0.5)
    with pytest.raises(SettingError, match="drops"):
        check({"ents_f": 0.8}, {"ents_f": float("nan")}, 50.0)


def test_metrics_are_those_of_the_components(shared_model: Path, tmp_path: Path) -> None:
    nlp = spacy.load(shared_model)
    docs = [nlp.make_doc(text) for text, _ in TRAIN]
    for doc, (_, gold) in zip(docs, TRAIN, strict=True):
        doc.cats = gold["cats"]
    DocBin(docs=docs).to_disk(tmp_path / "dev.spacy")
    scores = score_pipeline(nlp, tmp_path / "dev.spacy")
    assert scores.keys() >= {"cats_score", "cats_macro_f", "token_acc"}
    assert "speed" not in scores
    assert all(isinstance(value, float) for value in scores.values())
    assert choose_metrics(nlp, scores, data=DATA) == ["cats_score"]
    named = ["cats_macro_f", "cats_macro_f", "token_acc"]
    assert choose_metrics(nlp, scores, named=named, data=DATA) == ["cats_macro_f", "token_acc"]


def test_metrics_that_were_not_computed(shared_model: Path) -> None:
    nlp = spacy.load(shared_model)
    with pytest.raises(SettingError, match=r"'ents_f' on 'dev.spacy'.*among cats_score, token_acc"):
        choose_metrics(nlp, {"token_acc": 1.0, "cats_score": 0.5}, named=["ents_f"], data=DATA)
    with pytest.raises(SettingError, match="Cannot compare"):
        choose_metrics(nlp, {"token_acc": 1.0}, data=DATA)


def test_cosines_of_rows() -> None:
    one = np.array([[1.0, 0.0], [0.0, 0.0], [3.0, 4.0], [1.0, 1.0]], dtype="float32")
    other = np.array([[0.0, 2.0], [0.0, 0.0], [6.0, 8.0], [0.0, 0.0]], dtype="float32")
    assert measure_cosines(one, other).tolist() == pytest.approx([0.0, 1.0, 0.0])
    assert measure_cosines(one[:0], other[:0]).shape == (0,)


def test_vectors_of_two_pipelines(shared_model: Path, inline_model: Path) -> None:
    nlp, same = spacy.load(shared_model), spacy.load(shared_model)
    exact = compare_vectors(nlp, same, TEXTS)
    assert exact is not None
    assert (exact.mean, exact.low) == (pytest.approx(1.0), pytest.approx(1.0))
    shuffled = compare_vectors(nlp, spacy.load(shared_model), [*TEXTS, " "])
    assert shuffled == exact
    encoder = same.get_pipe("bert_transformer").model.shims[0].encoder
    encoder.get_parameter("layers.1.up.weight").data.mul_(-1.0)
    encoder.forget_weights()
    found = compare_vectors(nlp, same, TEXTS)
    assert found is not None
    assert found.low <= found.mean < 0.99
    assert compare_vectors(nlp, spacy.load(inline_model), TEXTS) is None
    assert compare_vectors(nlp, same, []) is None


def test_sizes_of_folders(tmp_path: Path) -> None:
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / "deep" / "x").write_bytes(b"123")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "y").write_bytes(b"12345")
    assert measure_folder(tmp_path) == 8
    assert measure_folder(tmp_path / "empty") == 0
    assert measure_components(tmp_path, ["a"]) == 3
    assert measure_components(tmp_path, []) == 0


def test_sample_texts() -> None:
    texts = sample_texts("de", n_texts=50)
    assert len(texts) == 50
    assert all(texts)
    assert "Die ganze Stadt ist ein Startup" in texts[0]
    assert max(map(len, texts)) > 2 * min(map(len, texts))
    assert sample_texts("qq", n_texts=3) == sample_texts("en", n_texts=3)
    assert sample_texts("en", n_texts=0) == []
