"""The factory `bert_regressor`: learns numbers, of texts and of pairs; saves, sources, scores."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example

from spacy_bert_plugin.checks import check_component
from spacy_bert_plugin.errors import DataError, SettingError
from spacy_bert_plugin.pipeline.correlation_scoring import score_numbers
from spacy_bert_plugin.util.pairs import make_pair_doc

MakeNlp = Callable[..., Language]
ROWS = [
    ("play some music", "play the music", 5.0, -1.0),
    ("play some music", "rain in berlin tomorrow", 0.0, 2.0),
    ("the house is good", "a good house", 4.5, -1.0),
    ("the house is good", "book a table for two", 0.5, 2.0),
    ("rain tomorrow", "is it rain tomorrow", 4.0, -1.0),
    ("rain tomorrow", "turn the light off", 0.0, 2.0),
]


def make_examples(nlp: Language, *, paired: bool = True) -> list[Example]:
    examples = []
    for first, second, score, mood in ROWS:
        docs = [
            make_pair_doc(nlp, first, second) if paired else nlp.make_doc(second) for _ in range(2)
        ]
        docs[1].cats = {"score": score, "mood": mood}
        examples.append(Example(*docs))
    return examples


def make_docs(nlp: Language) -> list[Doc]:
    return [example.predicted for example in make_examples(nlp)]


@pytest.fixture
def make_regressor(make_nlp: MakeNlp) -> MakeNlp:
    def make(**config: Any) -> Language:
        nlp = make_nlp(heads=False)
        nlp.add_pipe("bert_regressor", config=config)
        return nlp

    return make


def learn(nlp: Language, examples: list[Example], n_steps: int = 25) -> list[float]:
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.005
    return [nlp.update(examples, sgd=optimizer)["bert_regressor"] for _ in range(n_steps)]


@pytest.fixture
def trained(make_regressor: MakeNlp) -> Language:
    nlp = make_regressor()
    learn(nlp, make_examples(nlp))
    return nlp


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("loss", ["mse", "huber"])
def test_it_learns_and_saves(
    make_regressor: MakeNlp, tmp_path: Path, loss: str, paired: bool
) -> None:
    nlp = make_regressor(loss=loss)
    examples = make_examples(nlp, paired=paired)
    losses = learn(nlp, examples)
    assert losses[-1] < 0.3 * losses[0]
    scores = nlp.evaluate(examples)
    assert scores["regression_score"] > 0.85
    assert set(scores["regression_per_target"]) == {"score", "mood"}
    nlp.to_disk(tmp_path / "model")
    from_bytes = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    mine = [doc.cats for doc in nlp.pipe(make_docs(nlp))]
    for other in (spacy.load(tmp_path / "model"), from_bytes):
        assert [doc.cats for doc in other.pipe(make_docs(other))] == mine
    one = nlp(make_docs(nlp)[0])
    (back,) = DocBin(docs=[one]).get_docs(nlp.vocab)
    assert back.cats == one.cats


def test_numbers_stay_in_the_range_of_training(trained: Language) -> None:
    regressor: Any = trained.get_pipe("bert_regressor")
    head = regressor.model.shims[0].module
    head.output.bias.data.fill_(50.0)
    docs = make_docs(trained)
    assert [doc.cats for doc in trained.pipe(docs)] == [{"score": 5.0, "mood": 2.0}] * len(docs)
    regressor.clip = False
    assert trained(make_docs(trained)[0]).cats["score"] > 50.0


def test_scale_is_that_of_the_training_scores(trained: Language) -> None:
    cfg = trained.get_pipe("bert_regressor").cfg  # type: ignore[attr-defined]
    scores = [row[2] for row in ROWS]
    assert cfg["means"]["score"] == pytest.approx(np.mean(scores), abs=1e-6)
    assert cfg["scales"]["score"] == pytest.approx(np.std(scores), abs=1e-6)
    assert (cfg["least"]["score"], cfg["largest"]["score"]) == (0.0, 5.0)


def test_missing_numbers_are_left_out(make_regressor: MakeNlp) -> None:
    nlp = make_regressor()
    examples = make_examples(nlp)
    for example in examples[:3]:
        example.reference.cats = {"score": example.reference.cats["score"]}
    assert learn(nlp, examples, 2)[0] > 0.0
    for example in examples:
        example.reference.cats = {}
    assert nlp.update(examples)["bert_regressor"] == 0.0


def test_empty_docs_and_batches(trained: Language) -> None:
    regressor = trained.get_pipe("bert_regressor")
    assert regressor.predict([]).shape == (0, 2)
    assert list(trained.pipe([])) == []
    texts = ["", "play music", " "]
    together = [doc.cats for doc in trained.pipe(texts)]
    for text, cats in zip(texts, together, strict=True):
        assert trained(text).cats == pytest.approx(cats, abs=1e-4)


def test_threads_give_the_same_bits(trained: Language) -> None:
    expected = [trained(doc).cats for doc in make_docs(trained)]
    found: list[Any] = [None] * 4

    def run(number: int) -> None:
        found[number] = [trained(doc).cats for doc in make_docs(trained)]

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(found))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * len(found)


def test_frozen_it_stays_what_it_is(trained: Language) -> None:
    before = trained.get_pipe("bert_regressor").model.to_bytes()
    examples = make_examples(trained)
    optimizer = trained.resume_training()
    trained.update(examples, sgd=optimizer, exclude=["bert_regressor"], annotates=[])
    assert trained.get_pipe("bert_regressor").model.to_bytes() == before


def test_sourced_it_gives_the_same(trained: Language) -> None:
    other = spacy.blank("en")
    for name in trained.pipe_names:
        other.add_pipe(name, source=trained)
    assert [d.cats for d in other.pipe(make_docs(other))] == [
        d.cats for d in trained.pipe(make_docs(trained))
    ]


def test_training_goes_on(trained: Language) -> None:
    optimizer = trained.resume_training()
    examples = make_examples(trained)
    before = trained.get_pipe("bert_regressor").model.to_bytes()
    assert np.isfinite(trained.update(examples, sgd=optimizer)["bert_regressor"])
    assert trained.get_pipe("bert_regressor").model.to_bytes() != before


def test_bad_numbers_and_settings_are_refused(make_regressor: MakeNlp) -> None:
    nlp = make_regressor()
    examples = make_examples(nlp)
    examples[2].reference.cats["mood"] = float("nan")
    with pytest.raises(DataError, match=r"doc.cats\['mood'\] is nan"):
        nlp.initialize(lambda: examples)
    for example in examples:
        example.reference.cats = {}
    nlp = make_regressor()
    with pytest.raises(SettingError, match="no target"):
        nlp.initialize(lambda: examples)
    with pytest.raises(SettingError, match="mse, huber"):
        make_regressor(loss="nosuch")
    nlp = make_regressor()
    nlp.config["initialize"]["components"]["bert_regressor"] = {"labels": ["score", "other"]}
    with pytest.raises(DataError, match=r"\['other'\]"):
        nlp.initialize(lambda: make_examples(nlp))


@pytest.mark.parametrize("factory", ["bert_regressor", "bert_textcat"])
def test_single_texts_may_be_refused(make_nlp: MakeNlp, factory: str) -> None:
    nlp = make_nlp(heads=False)
    nlp.add_pipe(factory, config={"require_pairs": True})
    examples = make_examples(nlp)
    for example in examples:
        score = float(example.reference.cats["score"] > 2.0)
        example.reference.cats = {"YES": score, "NO": 1.0 - score}
    nlp.initialize(lambda: examples)
    assert nlp(make_docs(nlp)[0]).cats
    with pytest.raises(DataError, match="takes pairs of texts"):
        nlp("one text")
    gold = {"cats": examples[0].reference.cats}
    example = Example.from_dict(nlp.make_doc("one text"), gold)
    with pytest.raises(DataError, match="takes pairs of texts"):
        nlp.update([example])


def test_scores_of_known_numbers(trained: Language) -> None:
    def make(found: list[float], gold: list[float]) -> list[Example]:
        examples = []
        for one, two in zip(found, gold, strict=True):
            docs = trained.make_doc("a"), trained.make_doc("a")
            docs[0].cats, docs[1].cats = {"x": one}, {"x": two}
            examples.append(Example(*docs))
        return examples

    # By hand: ranks 1 2 3.5 3.5 and 1 3 2 4.
    scores = score_numbers(make([1.0, 2.0, 4.0, 4.0], [0.0, 3.0, 2.0, 9.0]))
    assert scores["regression_pearson"] == pytest.approx(0.6598, abs=1e-4)
    assert scores["regression_spearman"] == pytest.approx(0.6325, abs=1e-4)
    assert scores["regression_rmse"] == pytest.approx(np.sqrt((1 + 1 + 4 + 25) / 4))
    flat = score_numbers(make([1.0, 1.0], [0.0, 3.0]))
    assert (flat["regression_pearson"], flat["regression_score"]) == (0.0, 0.0)
    assert score_numbers([])["regression_score"] is None
    assert score_numbers(make([1.0], [1.0]))["regression_per_target"] is None


def test_it_keeps_the_contract(trained: Language) -> None:
    results = check_component(trained, rows=[1, 2, 25, 76, 89, 91])
    assert [(r.row, r.reason) for r in results if r.status == "failed"] == []
