"""Calibration of whole pipelines: what is saved is calibrated, what is trained is not touched."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import registry

from spacy_bert_plugin.errors import DataError, SettingError
from spacy_bert_plugin.pipeline.calibration import calibrate, iter_prepared

MakeNlp = Callable[..., Language]
LABELS = ("PLAY", "BOOK")
NOUNS = ("music", "table", "movie", "light", "alarm")


def make_texts(nlp: Language) -> list[Doc]:
    """Texts whose label is a matter of chance: two times in three the word says it."""
    docs = []
    for number in range(30):
        word = "play" if number % 2 else "book"
        doc = nlp.make_doc(f"{word} the {NOUNS[number % 5]}")
        label = word.upper() if number % 3 else ("BOOK" if word == "play" else "PLAY")
        doc.cats = {name: float(name == label) for name in LABELS}
        docs.append(doc)
    return docs


def make_examples(nlp: Language) -> list[Example]:
    return [Example(nlp.make_doc(doc.text), doc) for doc in make_texts(nlp)]


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    DocBin(docs=make_texts(spacy.blank("en"))).to_disk(tmp_path / "dev.spacy")
    return tmp_path / "dev.spacy"


@pytest.fixture
def overconfident(make_nlp: MakeNlp) -> Callable[..., Language]:
    """A pipeline that is far too sure of the word."""

    def make(exclusive: bool = True, **config: Any) -> Language:
        nlp = make_nlp(heads=False, **config)
        textcat = nlp.add_pipe("bert_textcat", config={"exclusive": exclusive})
        examples = make_examples(nlp)
        sure = [e for e in examples if e.reference.cats[e.reference[0].text.upper()] == 1.0]
        optimizer = nlp.initialize(lambda: examples)
        optimizer.learn_rate = 0.003
        for _ in range(15):
            nlp.update(sure, sgd=optimizer)
        textcat.cfg["temperature"] = 0.3
        return nlp

    return make


@pytest.mark.parametrize("exclusive", [True, False])
def test_it_calibrates(overconfident: Callable[..., Language], exclusive: bool) -> None:
    nlp = overconfident(exclusive)
    report = calibrate(nlp, lambda: make_examples(nlp))
    found = report["bert_textcat"]
    assert found["ece_before"] > 0.2
    assert found["ece_after"] < 0.05
    assert nlp.get_pipe("bert_textcat").temperature == pytest.approx(found["temperature"])
    right = [
        (doc.cats[label], gold.cats[label])
        for doc, gold in zip(
            nlp.pipe(gold.text for gold in make_texts(nlp)), make_texts(nlp), strict=True
        )
        for label in LABELS
    ]
    assert np.mean([abs(score - gold) for score, gold in right]) == pytest.approx(4 / 9, abs=0.05)


def test_thresholds_are_tuned_where_asked(overconfident: Callable[..., Language]) -> None:
    nlp = overconfident(exclusive=False)
    textcat = nlp.get_pipe("bert_textcat")
    calibrate(nlp, lambda: make_examples(nlp))
    assert textcat.thresholds == {"PLAY": 0.5, "BOOK": 0.5}
    plain = nlp.evaluate(make_examples(nlp))["cats_macro_f"]
    calibrate(nlp, lambda: make_examples(nlp), tune_thresholds=True)
    assert textcat.thresholds != {"PLAY": 0.5, "BOOK": 0.5}
    assert nlp.evaluate(make_examples(nlp))["cats_macro_f"] >= plain
    copied = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert copied.get_pipe("bert_textcat").thresholds == textcat.thresholds


def test_what_was_initialised_anew_is_not_calibrated(
    overconfident: Callable[..., Language],
) -> None:
    nlp = overconfident(exclusive=False)
    calibrate(nlp, lambda: make_examples(nlp), tune_thresholds=True)
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    textcat = nlp.get_pipe("bert_textcat")
    assert (textcat.temperature, textcat.cfg["thresholds"]) == (1.0, {})


def test_the_callback_saves_a_calibrated_copy(
    overconfident: Callable[..., Language], dev: Path, tmp_path: Path
) -> None:
    nlp = overconfident()
    before = nlp("play music").cats
    callback = registry.callbacks.get("spacy-bert-plugin.calibrate.v1")(path=dev)
    with nlp.use_params({}):
        copied = callback(nlp)
        copied.to_disk(tmp_path / "model")
    assert isinstance(copied, Language)
    loaded = spacy.load(tmp_path / "model")
    after = loaded("play music").cats
    assert loaded.get_pipe("bert_textcat").temperature > 0.5
    assert max(after.values()) < 0.9 < max(before.values())
    assert nlp.get_pipe("bert_textcat").temperature == 0.3
    assert nlp("play music").cats == before
    optimizer = nlp.resume_training()
    first = nlp.update(make_examples(nlp), sgd=optimizer)["bert_textcat"]
    assert nlp.update(make_examples(nlp), sgd=optimizer)["bert_textcat"] != first


def test_another_corpus_may_read_the_texts(overconfident: Callable[..., Language]) -> None:
    nlp = overconfident()
    build = registry.callbacks.get("spacy-bert-plugin.calibrate.v1")
    copied = build(path=None, corpus=make_examples)(nlp)
    assert copied.get_pipe("bert_textcat").temperature > 0.5


def test_bad_paths_are_named(overconfident: Callable[..., Language], tmp_path: Path) -> None:
    nlp = overconfident()
    build = registry.callbacks.get("spacy-bert-plugin.calibrate.v1")
    with pytest.raises(SettingError, match="has no path"):
        build(path=None)(nlp)
    with pytest.raises(DataError, match=r"missing\.spacy"):
        build(path=tmp_path / "missing.spacy")(nlp)


def test_a_pipeline_without_confidences(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    with pytest.raises(SettingError, match="nothing to calibrate"):
        calibrate(nlp, lambda: [])


def test_without_annotation_nothing_changes(overconfident: Callable[..., Language]) -> None:
    nlp = overconfident()
    assert calibrate(nlp, lambda: []) == {"bert_textcat": {}}
    blank = [Example.from_dict(nlp.make_doc("play"), {})]
    assert calibrate(nlp, lambda: blank) == {"bert_textcat": {}}
    assert nlp.get_pipe("bert_textcat").temperature == 0.3


def test_components_before_have_run_and_annotation_is_untouched(
    overconfident: Callable[..., Language],
) -> None:
    nlp = overconfident()
    seen: list[str] = []

    class Head:
        def __call__(self, doc: Doc) -> Doc:
            return doc

        def fit_calibration(self, examples: Iterable[Example]) -> dict[str, float]:
            seen.extend(max(e.predicted.cats, key=e.predicted.cats.get) for e in examples)
            return {"ece_before": 0.5, "ece_after": 0.1}

    Language.factory("test_calibration_head", func=lambda nlp, name: Head())
    nlp.add_pipe("test_calibration_head")
    examples = make_examples(nlp)
    report = calibrate(nlp, lambda: examples, tune_thresholds=True)
    assert report["test_calibration_head"] == {"ece_before": 0.5, "ece_after": 0.1}
    assert seen == ["PLAY" if i % 2 else "BOOK" for i in range(30)]
    assert not any(example.predicted.cats for example in examples)


def test_examples_keep_their_tokens(overconfident: Callable[..., Language]) -> None:
    nlp = overconfident()
    gold = Doc(nlp.vocab, words=["don't", "play"], spaces=[True, False])
    (copied,) = iter_prepared(nlp, [Example(gold.copy(), gold)], before="bert_textcat")
    assert [token.text for token in copied.predicted] == ["don't", "play"]
    assert copied.reference is gold
