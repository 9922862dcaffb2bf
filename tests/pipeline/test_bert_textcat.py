"""The factory `bert_textcat` over an encoder of its own, a shared one, and others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.training import Example

from spacy_bert_plugin.errors import DataError, ListenerError, SettingError
from spacy_bert_plugin.layers.head import HeadOutput

MakeNlp = Callable[..., Language]
TEXTS = {
    "play some music in the kitchen": "PLAY",
    "book a table in london": "BOOK",
    "play the long movie": "PLAY",
    "please book two for tomorrow in paris": "BOOK",
    "rain in berlin tomorrow": "WEATHER",
    "is the weather good": "WEATHER",
}
LABELS = ("PLAY", "BOOK", "WEATHER")
LISTENER = {"@architectures": "spacy-bert-plugin.BertListener.v1", "upstream": "*"}
CNN = {
    "@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 32, "depth": 1,
    "embed_size": 200, "window_size": 1, "maxout_pieces": 2, "subword_features": True,
}  # fmt: skip


def pooled(pooling: str) -> dict[str, Any]:
    return {"@architectures": "spacy-bert-plugin.BertPooledListener.v1", "pooling": pooling}


def make_examples(nlp: Language, exclusive: bool = True) -> list[Example]:
    """Where labels are not exclusive, IN holds for texts with that word."""
    examples = []
    for text, label in TEXTS.items():
        cats = {name: float(name == label) for name in LABELS}
        if not exclusive:
            cats["IN"] = float(" in " in text)
        examples.append(Example.from_dict(nlp.make_doc(text), {"cats": cats}))
    return examples


def learn(nlp: Language, examples: list[Example], n_steps: int = 30) -> list[float]:
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.005
    name = nlp.pipe_names[-1]
    return [nlp.update(examples, sgd=optimizer)[name] for _ in range(n_steps)]


def make_inline(path: Path, output: str = "tokens") -> dict[str, Any]:
    return {
        "@architectures": "spacy-bert-plugin.BertEncoder.v1", "name": str(path),
        "output": output, "overlap": 8,
    }  # fmt: skip


@pytest.fixture
def trained(make_nlp: MakeNlp) -> Language:
    nlp = make_nlp(heads=False)
    nlp.add_pipe("bert_textcat")
    learn(nlp, make_examples(nlp))
    return nlp


CASES = {
    "pooled mean": {"tok2vec": pooled("mean")},
    "pooled cls": {"tok2vec": pooled("cls"), "hidden_width": 16},
    "pooled pooler": {"tok2vec": pooled("pooler"), "dropout": 0.05},
    "tokens mean": {"tok2vec": LISTENER, "pooling": "mean"},
    "tokens attention": {"tok2vec": LISTENER, "pooling": "attention"},
    "tokens of a CNN": {"tok2vec": CNN, "pooling": "attention"},
}


@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize("exclusive", [True, False])
def test_it_learns_and_saves(make_nlp: MakeNlp, tmp_path: Path, case: str, exclusive: bool) -> None:
    nlp = make_nlp(heads=False)
    nlp.add_pipe("bert_textcat", config={"model": CASES[case], "exclusive": exclusive})
    examples = make_examples(nlp, exclusive)
    losses = learn(nlp, examples)
    assert losses[-1] < 0.6 * losses[0]
    assert nlp.evaluate(examples)["cats_macro_f"] == 1.0
    nlp.to_disk(tmp_path / "model")
    one = list(nlp.pipe(TEXTS))
    loaded = spacy.load(tmp_path / "model")
    from_bytes = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    for other in (loaded, from_bytes):
        for mine, theirs in zip(one, other.pipe(TEXTS), strict=True):
            assert mine.cats == theirs.cats
    if exclusive:
        assert sum(one[0].cats.values()) == pytest.approx(1.0)
    assert nlp(one[1].text).cats == pytest.approx(one[1].cats, abs=1e-5)


@pytest.mark.parametrize("output", ["tokens", "cls", "mean"])
def test_it_may_own_its_encoder(tiny_checkpoint: Path, output: str) -> None:
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe(
        "bert_textcat", config={"model": {"tok2vec": make_inline(tiny_checkpoint, output)}}
    )
    losses = learn(nlp, make_examples(nlp))
    assert losses[-1] < 0.3 * losses[0]
    other = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert other("play music").cats == nlp("play music").cats


def test_empty_docs_and_batches(trained: Language) -> None:
    textcat = trained.get_pipe("bert_textcat")
    assert textcat.predict([]).shape == (0, 3)
    assert list(trained.pipe([])) == []
    texts = ["", "play music", " ", "book a table", ""]
    together = [doc.cats for doc in trained.pipe(texts)]
    for text, cats in zip(texts, together, strict=True):
        assert cats == pytest.approx(trained(text).cats, abs=1e-5)
        assert sum(cats.values()) == pytest.approx(1.0)


def test_an_update_of_empty_docs_changes_nothing(trained: Language) -> None:
    before = trained("play music").cats
    empty = Example.from_dict(trained.make_doc(""), {"cats": {"PLAY": 1.0}})
    assert trained.update([empty], sgd=trained.resume_training())["bert_textcat"] == 0.0
    assert trained("play music").cats == before


@pytest.mark.parametrize("exclusive", [True, False])
def test_missing_annotation_is_left_out(make_nlp: MakeNlp, exclusive: bool) -> None:
    nlp = make_nlp(heads=False)
    textcat = nlp.add_pipe("bert_textcat", config={"exclusive": exclusive})
    full = make_examples(nlp, exclusive)
    nlp.initialize(lambda: full)
    nothing = [Example.from_dict(nlp.make_doc(text), {}) for text in TEXTS]
    docs = [example.predicted for example in full]
    list(nlp.get_pipe("bert_transformer").pipe(docs))
    output = textcat.model.predict(docs)
    assert float(textcat.get_loss(nothing, output)) == 0.0
    half = [*full[:3], *nothing[3:]]
    kept = type(output)(output.output[:3], output.lengths[:3])
    assert float(textcat.get_loss(half, output)) == pytest.approx(
        float(textcat.get_loss(full[:3], kept))
    )
    assert nlp.update(nothing, sgd=nlp.resume_training())["bert_textcat"] == 0.0


def test_one_label_of_several_may_be_missing(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    textcat = nlp.add_pipe("bert_textcat", config={"exclusive": False})
    examples = make_examples(nlp, exclusive=False)
    nlp.initialize(lambda: examples)
    logits = torch.zeros(1, 4)
    logits[0, textcat.labels.index("IN")] = -5.0
    output = HeadOutput(logits, [1])
    (example,) = [one for one in examples if one.reference.text == "book a table in london"]
    assert float(textcat.get_loss([example], output)) == pytest.approx(
        (3 * 0.6931 + 5.0067) / 4, abs=1e-4
    )
    del example.reference.cats["IN"]
    assert float(textcat.get_loss([example], output)) == pytest.approx(0.6931, abs=1e-4)


def test_class_weights(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    nlp.add_pipe("bert_textcat", "a", config={"class_weights": {"PLAY": 3.0}})
    nlp.add_pipe("bert_textcat", "b", config={"class_weights": "balanced"})
    nlp.add_pipe("bert_textcat", "c", config={"class_weights": "balanced", "exclusive": False})
    examples = make_examples(nlp)[:5]
    nlp.initialize(lambda: examples)
    assert nlp.get_pipe("a").cfg["class_weights"] == {"PLAY": 3.0}
    weights = nlp.get_pipe("b").cfg["class_weights"]
    assert weights == pytest.approx({"PLAY": 5 / 6, "BOOK": 5 / 6, "WEATHER": 5 / 3})
    weights = nlp.get_pipe("c").cfg["class_weights"]
    assert weights == pytest.approx({"PLAY": 3 / 2, "BOOK": 3 / 2, "WEATHER": 4.0})
    list(nlp.pipe([example.predicted for example in examples[:1]]))
    output = nlp.get_pipe("a").model.predict([examples[0].predicted])
    weighted = nlp.get_pipe("a").get_loss(examples[:1], output)
    plain = nlp.get_pipe("b").get_loss(examples[:1], output) / (5 / 6)
    assert float(weighted) == pytest.approx(3.0 * float(plain))


def test_label_smoothing_and_focal_loss_reach_the_loss(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    settings = [{}, {"label_smoothing": 0.2}, {"focal_gamma": 2.0}]
    for i, config in enumerate(settings):
        nlp.add_pipe("bert_textcat", f"t{i}", config=config)
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    docs = list(nlp.pipe([example.predicted for example in examples]))
    output = nlp.get_pipe("t0").model.predict(docs)
    losses = {round(float(nlp.get_pipe(f"t{i}").get_loss(examples, output)), 6) for i in range(3)}
    assert len(losses) == 3


def test_add_label_keeps_what_was_learned(trained: Language) -> None:
    textcat = trained.get_pipe("bert_textcat")
    before = [doc.cats for doc in trained.pipe(TEXTS)]
    assert textcat.add_label("NEWS") == 1
    assert textcat.add_label("NEWS") == 0
    assert textcat.labels == (*LABELS, "NEWS")
    after = [doc.cats for doc in trained.pipe(TEXTS)]
    for old, new in zip(before, after, strict=True):
        assert old["PLAY"] / old["BOOK"] == pytest.approx(new["PLAY"] / new["BOOK"], rel=1e-3)
    extra = Example.from_dict(trained.make_doc("hello world"), {"cats": {"NEWS": 1.0}})
    optimizer = trained.resume_training()
    optimizer.learn_rate = 0.003
    for _ in range(20):
        trained.update([extra, *make_examples(trained)], sgd=optimizer)
    assert max(trained("hello world").cats.items(), key=lambda item: item[1])[0] == "NEWS"
    with pytest.raises(SettingError):
        textcat.add_label(3)


def test_labels_given_beforehand_keep_their_order(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    textcat = nlp.add_pipe("bert_textcat")
    examples = make_examples(nlp)
    nlp.config["initialize"]["components"] = {
        "bert_textcat": {"labels": ["WEATHER", "BOOK", "PLAY", "OTHER"]}
    }
    nlp.initialize(lambda: examples)
    assert textcat.labels == ("WEATHER", "BOOK", "PLAY", "OTHER")
    assert textcat.label_data == ["WEATHER", "BOOK", "PLAY", "OTHER"]
    assert set(nlp("play").cats) == set(textcat.labels)


def test_positive_label(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    nlp.add_pipe("bert_textcat")
    examples = []
    for text, label in TEXTS.items():
        cats = {"YES": float(label == "PLAY"), "NO": float(label != "PLAY")}
        examples.append(Example.from_dict(nlp.make_doc(text), {"cats": cats}))
    nlp.config["initialize"]["components"] = {"bert_textcat": {"positive_label": "YES"}}
    nlp.initialize(lambda: examples)
    assert nlp.evaluate(examples)["cats_score_desc"] == "F (YES)"
    nlp.config["initialize"]["components"] = {"bert_textcat": {"positive_label": "MAYBE"}}
    with pytest.raises(SettingError, match="MAYBE"):
        nlp.initialize(lambda: examples)


def test_bad_annotation_is_named(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    nlp.add_pipe("bert_textcat")

    def initialize(*cats: dict[str, float]) -> None:
        docs = [Example.from_dict(nlp.make_doc("play music"), {"cats": one}) for one in cats]
        nlp.initialize(lambda: docs)

    with pytest.raises(SettingError, match="at least 2 labels"):
        initialize({})
    with pytest.raises(SettingError, match="at least 2 labels"):
        initialize({"A": 1.0})
    with pytest.raises(DataError, match="exclusive = true"):
        initialize({"A": 1.0, "B": 1.0})
    with pytest.raises(DataError, match=r"0\.0 or 1\.0"):
        initialize({"A": 0.5, "B": 0.5})


def test_one_label_is_enough_where_labels_are_not_exclusive(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    nlp.add_pipe("bert_textcat", config={"exclusive": False})
    nothing = [Example.from_dict(nlp.make_doc("play"), {})]
    with pytest.raises(SettingError, match="at least 1 labels"):
        nlp.initialize(lambda: nothing)
    only = [
        Example.from_dict(nlp.make_doc("play"), {"cats": {"A": 1.0}}),
        Example.from_dict(nlp.make_doc("book"), {"cats": {"A": 0.0}}),
    ]
    learn(nlp, only)
    assert nlp("play").cats["A"] > 0.5 > nlp("book").cats["A"]


def test_labels_that_always_hold_are_warned_of(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    nlp.add_pipe("bert_textcat", config={"exclusive": False})
    examples = [Example.from_dict(nlp.make_doc("play"), {"cats": {"A": 1.0}})]
    with pytest.warns(UserWarning, match="counts as not known"):
        nlp.initialize(lambda: examples)


@pytest.mark.parametrize("exclusive", [True, False])
def test_labels_unseen_before_are_left_out_with_one_warning(
    make_nlp: MakeNlp, exclusive: bool
) -> None:
    nlp = make_nlp(heads=False)
    nlp.add_pipe("bert_textcat", config={"exclusive": exclusive})
    examples = make_examples(nlp, exclusive)
    optimizer = nlp.initialize(lambda: examples)
    other = Example.from_dict(nlp.make_doc("hello"), {"cats": {"NEWS": 1.0}})
    with pytest.warns(UserWarning, match="NEWS") as caught:
        losses = nlp.update([other], sgd=optimizer)
    assert len(caught) == 1
    assert losses["bert_textcat"] == 0.0
    assert nlp.update([other, *examples], sgd=optimizer)["bert_textcat"] > 0.0
    assert all(np.isfinite(list(nlp("hello").cats.values())))


@pytest.mark.parametrize(
    "config",
    [
        {"threshold": 1.5},
        {"focal_gamma": -1.0},
        {"label_smoothing": 1.0},
        {"class_weights": "heavy"},
        {"class_weights": {"A": -1.0}},
        {"model": {"pooling": "max"}},
        {"model": {"pooling": "attention"}},
        {"model": {"hidden_width": -1}},
        {"model": {"dropout": 1.0}},
    ],
)
def test_bad_settings_are_named(make_nlp: MakeNlp, config: dict[str, Any]) -> None:
    nlp = make_nlp(heads=False)
    values = config.get("model", config)
    with pytest.raises(SettingError, match=next(iter(values))):
        nlp.add_pipe("bert_textcat", config=config)


def test_class_weights_of_unknown_labels(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    nlp.add_pipe("bert_textcat", config={"class_weights": {"PLAI": 2.0}})
    examples = make_examples(nlp)
    with pytest.raises(SettingError, match="PLAI"):
        nlp.initialize(lambda: examples)


def test_without_weights_it_says_so(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    textcat = nlp.add_pipe("bert_textcat")
    textcat.add_label("A")
    nlp.get_pipe("bert_transformer").initialize(nlp=nlp)
    with pytest.raises(ListenerError, match="no weights"):
        nlp("play")


def test_an_own_dropout_takes_the_place_of_the_trainings(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    for name, dropout in (("own", 0.0), ("trainings", None)):
        nlp.add_pipe("bert_textcat", name, config={"model": {"dropout": dropout}})
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    seen: dict[str, set[float]] = {"own": set(), "trainings": set()}
    encoder = nlp.get_pipe("bert_transformer")
    for _ in range(3):
        encoder.update(examples, drop=0.0)
        for name, losses in seen.items():
            losses.add(nlp.get_pipe(name).update(examples, drop=0.5)[name])
    assert [len(losses) for losses in seen.values()] == [1, 3]


def test_two_classifiers_share_one_encoder(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    nlp.add_pipe("bert_textcat", "one")
    nlp.add_pipe("bert_textcat", "two", config={"model": {"tok2vec": LISTENER}})
    examples = make_examples(nlp)
    learn(nlp, examples)
    assert nlp.get_pipe("bert_transformer").listening_components == ["one", "two"]
    assert nlp.evaluate(examples)["cats_macro_f"] == 1.0


def test_long_texts_are_read_to_their_end(trained: Language) -> None:
    long = "the house is good . " * 60
    assert trained(long + "play music").cats != trained(long + "book table").cats
