"""The factory `bert_ner` over any encoder: it learns, saves, and reads alone as in a batch."""

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.training import Example

from spacy_bert_plugin.errors import BertPluginError, DataError, ListenerError, SettingError
from spacy_bert_plugin.layers.head import get_head
from spacy_bert_plugin.training import build_adamw_v1
from tests.pipeline.conftest import (
    CNN,
    TRAIN,
    learn_ner,
    list_ents,
    make_examples,
    make_inline,
)

MakeNlp = Callable[..., Language]
TEXTS = [text for text, _ in TRAIN]
FIRST = {"@architectures": "spacy-bert-plugin.BertListener.v1", "pooling": "first"}


def assert_knows_its_texts(nlp: Language) -> None:
    scores = nlp.evaluate(make_examples(nlp))
    assert scores["ents_f"] == 1.0
    assert scores["ents_per_type"]["CITY"]["f"] == 1.0


CASES: dict[str, dict[str, Any]] = {
    "default": {},
    "crf": {"use_crf": True},
    "vectors alone": {"features": []},
    "vectors alone, crf": {"features": [], "use_crf": True, "hidden_width": 16},
    "one feature, wide window": {"features": ["LOWER"], "feature_window": 3, "feature_width": 4},
    "no neighbours": {"feature_window": 0},
    "first piece": {"tok2vec": FIRST},
    "CNN": {"tok2vec": CNN},
    "CNN, crf": {"tok2vec": CNN, "use_crf": True, "features": []},
}


@pytest.mark.parametrize("case", list(CASES))
def test_it_learns_and_saves(make_ner_nlp: MakeNlp, tmp_path: Path, case: str) -> None:
    nlp = make_ner_nlp(CASES[case])
    losses = learn_ner(nlp, n_steps=30)
    assert losses[-1] < 0.3 * losses[0]
    assert_knows_its_texts(nlp)
    nlp.to_disk(tmp_path / "model")
    expected = [list_ents(doc) for doc in nlp.pipe(TEXTS)]
    loaded = spacy.load(tmp_path / "model")
    from_bytes = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    for other in (loaded, from_bytes):
        assert other.get_pipe("bert_ner").labels == ("CITY", "ROOM")
        assert [list_ents(doc) for doc in other.pipe(TEXTS)] == expected


@pytest.mark.parametrize("output", ["tokens", "first"])
@pytest.mark.parametrize("use_crf", [False, True])
def test_it_may_own_its_encoder(tiny_checkpoint: Path, output: str, use_crf: bool) -> None:
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    tok2vec = make_inline(tiny_checkpoint, output=output)
    nlp.add_pipe("bert_ner", config={"model": {"tok2vec": tok2vec, "use_crf": use_crf}})
    nlp.initialize(lambda: make_examples(nlp))
    learn_ner(nlp, sgd=build_adamw_v1(0.001))
    assert_knows_its_texts(nlp)
    other = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert [list_ents(doc) for doc in other.pipe(TEXTS)] == [
        list_ents(doc) for doc in nlp.pipe(TEXTS)
    ]


def test_a_replaced_listener_predicts_and_trains_the_same_head(ner_nlp: Language) -> None:
    before = [list_ents(doc) for doc in ner_nlp.pipe(TEXTS)]
    ner_nlp.replace_listeners("bert_transformer", "bert_ner", ["model.tok2vec"])
    ner_nlp.remove_pipe("bert_transformer")
    assert [list_ents(doc) for doc in ner_nlp.pipe(TEXTS)] == before
    learn_ner(ner_nlp, sgd=ner_nlp.resume_training(), n_steps=2)
    assert_knows_its_texts(ner_nlp)


@pytest.mark.parametrize("use_crf", [False, True])
def test_batch_equals_single(make_ner_nlp: MakeNlp, use_crf: bool) -> None:
    nlp = make_ner_nlp({"use_crf": use_crf}, spans_key="all", min_candidate=0.01)
    learn_ner(nlp, n_steps=8)
    texts = ["", *TEXTS, " ", "paris", "", "in london and in paris and in the kitchen " * 4]
    docs = list(nlp.pipe(texts, batch_size=5))
    found = 0
    for text, doc in zip(texts, docs, strict=True):
        alone = nlp(text)
        assert list_ents(alone) == list_ents(doc)
        spans = [(s.start, s.end, s.label_) for s in doc.spans["all"]]
        assert [(s.start, s.end, s.label_) for s in alone.spans["all"]] == spans
        scores = doc.spans["all"].attrs["scores"]
        np.testing.assert_allclose(alone.spans["all"].attrs["scores"], scores, atol=1e-4)
        found += len(spans)
    assert found > 4


def test_empty_docs_and_batches(ner_nlp: Language) -> None:
    ner = ner_nlp.get_pipe("bert_ner")
    assert ner.predict([]) == []
    assert list(ner_nlp.pipe([])) == []
    assert ner_nlp("").ents == ()
    before = list_ents(ner_nlp(TEXTS[0]))
    empty = Example.from_dict(ner_nlp.make_doc(""), {"entities": []})
    sgd = ner_nlp.resume_training()
    assert ner_nlp.update([empty], sgd=sgd)["bert_ner"] == 0.0
    assert ner_nlp.update([], sgd=sgd).get("bert_ner", 0.0) == 0.0
    assert list_ents(ner_nlp(TEXTS[0])) == before
    mixed = ner_nlp.update([empty, *make_examples(ner_nlp), empty], sgd=sgd)
    assert 0.0 < mixed["bert_ner"] < 1.0


@pytest.mark.parametrize("use_crf", [False, True])
def test_a_long_doc_is_read_whole(make_ner_nlp: MakeNlp, use_crf: bool) -> None:
    nlp = make_ner_nlp({"use_crf": use_crf})
    text = " ".join(["play the long movie and book a table in london"] * 32)
    ends = [i + 6 for i in range(len(text)) if text.startswith("london", i)]
    long = Example.from_dict(
        nlp.make_doc(text), {"entities": [(end - 6, end, "CITY") for end in ends]}
    )
    assert len(long.predicted) == 320
    learn_ner(nlp, [long, *make_examples(nlp)], n_steps=20)
    doc = nlp(text)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("london", "CITY")] * 32
    assert all(0.0 < ent._.confidence <= 1.0 for ent in doc.ents)


def test_threads_give_what_one_gives(ner_nlp: Language) -> None:
    texts = [f"{text} {number}" for number in range(8) for text in TEXTS]
    expected = [list_ents(ner_nlp(text)) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: list_ents(ner_nlp(text)), texts))
    assert found == expected
    assert sum(map(len, found)) > 8


def test_a_copied_pipeline_is_independent(ner_nlp: Language) -> None:
    expected = [list_ents(doc) for doc in ner_nlp.pipe(TEXTS)]
    copied = copy.deepcopy(ner_nlp)
    assert [list_ents(doc) for doc in copied.pipe(TEXTS)] == expected
    head, other = (get_head(n.get_pipe("bert_ner").model) for n in (ner_nlp, copied))
    assert head is not other
    none = [Example.from_dict(copied.make_doc(text), {"entities": []}) for text in TEXTS]
    learn_ner(copied, none, sgd=copied.resume_training(), n_steps=3)
    assert [list_ents(doc) for doc in ner_nlp.pipe(TEXTS)] == expected
    assert [list_ents(doc) for doc in copied.pipe(TEXTS)] != expected


def test_it_stands_beside_other_components_on_one_encoder(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    nlp.add_pipe("bert_ner")
    losses = learn_ner(nlp, n_steps=25)
    assert losses[-1] < 0.2 * losses[0]
    with nlp.select_pipes(disable=["ner"]):
        assert_knows_its_texts(nlp)
    with nlp.select_pipes(disable=["bert_ner"]):
        assert nlp.evaluate(make_examples(nlp))["ents_f"] == 1.0


def test_a_frozen_encoder_stays_as_it_is(make_ner_nlp: MakeNlp) -> None:
    nlp = make_ner_nlp(encoder={"freeze_layers": -1})
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    before = nlp.get_pipe("bert_transformer").to_bytes()
    losses = learn_ner(nlp)
    assert losses[-1] < 0.3 * losses[0]
    assert nlp.get_pipe("bert_transformer").to_bytes() == before


def test_it_can_be_sourced_with_its_encoder(ner_nlp: Language) -> None:
    other = spacy.blank("en")
    for name in ner_nlp.pipe_names:
        other.add_pipe(name, source=ner_nlp)
    assert list_ents(other(TEXTS[1])) == list_ents(ner_nlp(TEXTS[1])) != []


def test_nothing_works_before_initialize(make_ner_nlp: MakeNlp) -> None:
    nlp = make_ner_nlp()
    ner = nlp.get_pipe("bert_ner")
    assert ner.labels == ()
    assert [found.spans.shape for found in ner.predict([nlp.make_doc("in paris")])] == [(0, 3)]
    ner.add_label("CITY")
    with pytest.raises(BertPluginError, match="no weights yet"):
        ner.predict([nlp.make_doc("in paris")])


def test_a_pipeline_is_saved_and_loaded_before_initialize(
    make_ner_nlp: MakeNlp, tmp_path: Path
) -> None:
    nlp = make_ner_nlp()
    nlp.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    learn_ner(loaded)
    assert_knows_its_texts(loaded)


def test_a_pooled_tok2vec_is_an_error(make_ner_nlp: MakeNlp, tiny_checkpoint: Path) -> None:
    pooled = {"@architectures": "spacy-bert-plugin.BertPooledListener.v1", "pooling": "mean"}
    for tok2vec in (pooled, make_inline(tiny_checkpoint, output="cls")):
        for features in ([], ["SHAPE"]):
            with pytest.raises(ListenerError, match=r"one vector for each token.*BertListener\.v1"):
                make_ner_nlp({"tok2vec": tok2vec, "features": features})


SETTINGS: list[dict[str, Any]] = [
    {"threshold": 1.5}, {"threshold": -0.1}, {"label_smoothing": 2}, {"min_candidate": 0.0},
    {"min_candidate": 1.1}, {"model": {"features": ["COLOUR"]}}, {"model": {"feature_rows": 0}},
    {"model": {"feature_width": 0}}, {"model": {"feature_window": -1}},
    {"model": {"hidden_width": -1}},
    {"model": {"use_crf": True}, "label_smoothing": 0.1},
    {"model": {"use_crf": True}, "class_weights": {"O": 0.5}},
]  # fmt: skip


@pytest.mark.parametrize("config", SETTINGS, ids=str)
def test_impossible_settings_are_errors(make_ner_nlp: MakeNlp, config: dict[str, Any]) -> None:
    name = next(iter(config.get("model", config)))
    with pytest.raises(SettingError, match=name):
        make_ner_nlp(**config)


def test_no_examples_and_no_labels_are_errors(make_ner_nlp: MakeNlp) -> None:
    nlp = make_ner_nlp()
    with pytest.raises((TypeError, ValueError), match="E930"):
        nlp.initialize(lambda: [])
    none = [Example.from_dict(nlp.make_doc(text), {"entities": []}) for text in TEXTS]
    with pytest.raises(DataError, match="none of the examples has an entity"):
        nlp.initialize(lambda: none)
