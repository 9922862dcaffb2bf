"""What `bert_ner` learns from, and how: annotation with holes, labels, weights, optimizers."""

import contextlib
import math
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Adam

from spacy_bert_plugin.errors import SettingError, TrainingError
from spacy_bert_plugin.layers.head import get_head
from spacy_bert_plugin.training import build_adamw_v1
from tests.pipeline.conftest import TRAIN, learn_ner, list_ents, make_examples

MakeNlp = Callable[..., Language]
TEXTS = [text for text, _ in TRAIN]
OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "AdamW.v1": lambda: build_adamw_v1(0.001),
    "thinc Adam": lambda: Adam(0.01),
}


def from_tags(nlp: Language, text: str, tags: list[str]) -> Example:
    return Example.from_dict(nlp.make_doc(text), {"entities": tags})


def copy_weights(nlp: Language) -> list[Any]:
    head = get_head(nlp.get_pipe("bert_ner").model)
    return [param.detach().clone() for param in head.parameters()]


def are_equal(one: list[Any], other: list[Any]) -> bool:
    return all(bool((a == b).all()) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("use_crf", [False, True])
def test_tokens_without_annotation_are_not_learned_from(
    make_ner_nlp: MakeNlp, use_crf: bool
) -> None:
    """The tag of 'paris' is never given, so the model may go on taking it for a city."""
    nlp = make_ner_nlp({"use_crf": use_crf, "features": [], "hidden_width": 16})
    holes = [
        from_tags(nlp, "book a table in london", ["O", "O", "O", "O", "U-CITY"]),
        from_tags(nlp, "book a table in berlin", ["O", "O", "O", "O", "U-CITY"]),
        from_tags(nlp, "book a table in paris", ["O", "O", "O", "O", "-"]),
    ]
    learn_ner(nlp, holes, n_steps=20)
    assert [ent.text for ent in nlp("book a table in paris").ents] == ["paris"]
    whole = [*holes[:2], from_tags(nlp, "book a table in paris", ["O"] * 5)]
    learn_ner(nlp, whole, n_steps=20)
    assert nlp("book a table in paris").ents == ()
    assert [ent.text for ent in nlp("book a table in london").ents] == ["london"]


@pytest.mark.parametrize("use_crf", [False, True])
def test_docs_without_annotation_change_nothing(make_ner_nlp: MakeNlp, use_crf: bool) -> None:
    nlp = make_ner_nlp({"use_crf": use_crf})
    sgd = nlp.initialize(lambda: make_examples(nlp))
    before = copy_weights(nlp)
    nothing = [Example.from_dict(nlp.make_doc(text), {}) for text in TEXTS]
    nothing.append(from_tags(nlp, "in paris", ["-", "-"]))
    assert nlp.update(nothing, sgd=sgd)["bert_ner"] == 0.0
    assert are_equal(copy_weights(nlp), before)


@pytest.mark.parametrize("use_crf", [False, True])
def test_loss_of_a_batch_is_that_of_its_annotated_docs(
    make_ner_nlp: MakeNlp, use_crf: bool
) -> None:
    nlp = make_ner_nlp({"use_crf": use_crf})
    nlp.initialize(lambda: make_examples(nlp))
    nothing = Example.from_dict(nlp.make_doc("in paris and in london"), {})
    expected = nlp.update(make_examples(nlp), sgd=False)["bert_ner"]
    mixed = nlp.update([nothing, *make_examples(nlp)], sgd=False)["bert_ner"]
    assert mixed == pytest.approx(expected, rel=1e-4)


def test_blocked_tokens_are_no_label(make_ner_nlp: MakeNlp) -> None:
    nlp = make_ner_nlp()
    nlp.initialize(lambda: make_examples(nlp))
    reference = nlp.make_doc("in paris")
    reference.set_ents([], blocked=[reference[1:2]], default="outside")
    loss = nlp.update([Example(nlp.make_doc("in paris"), reference)], sgd=False)["bert_ner"]
    assert loss > 0.0


def test_gold_of_another_tokenisation(make_ner_nlp: MakeNlp) -> None:
    """Whole entities are carried over; one whose border lies inside of a token is left out."""
    nlp = make_ner_nlp()
    words = ["book", "a", "ta", "ble", "in", "lon", "don"]
    spaces = [True, True, False, True, True, False, False]
    reference = Doc(nlp.vocab, words=words, spaces=spaces, ents=["O"] * 5 + ["B-CITY", "I-CITY"])
    cut = Doc(nlp.vocab, words=words, spaces=spaces, ents=["O"] * 5 + ["B-ROOM", "O"])
    text = "book a table in london"
    examples = [Example(nlp.make_doc(text), gold) for gold in (reference, cut)]
    with pytest.warns(UserWarning, match=r"Of 2 entities in the first 2 examples.*learn 1:"):
        losses = learn_ner(nlp, examples, n_steps=20)
    assert losses[-1] < 0.3 * losses[0]
    assert [(ent.text, ent.label_) for ent in nlp(text).ents] == [("london", "CITY")]


@pytest.mark.parametrize("use_crf", [False, True])
def test_an_unseen_label_is_warned_of_once(make_ner_nlp: MakeNlp, use_crf: bool) -> None:
    nlp = make_ner_nlp({"use_crf": use_crf})
    sgd = nlp.initialize(lambda: make_examples(nlp))
    new = [*make_examples(nlp), from_tags(nlp, "play music", ["O", "U-THING"])]
    with pytest.warns(UserWarning, match="THING"):
        assert math.isfinite(nlp.update(new, sgd=sgd)["bert_ner"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isfinite(nlp.update(new, sgd=sgd)["bert_ner"])


def test_an_unseen_label_of_another_vocabulary(make_ner_nlp: MakeNlp) -> None:
    nlp = make_ner_nlp()
    nlp.initialize(lambda: make_examples(nlp))
    other = spacy.blank("en")
    reference = Doc(other.vocab, words=["play", "music"], ents=["O", "B-THING"])
    examples = [*make_examples(nlp), Example(nlp.make_doc("play music"), reference)]
    with pytest.warns(UserWarning, match="'THING'"):
        nlp.update(examples, sgd=False)


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
@pytest.mark.parametrize("use_crf", [False, True])
def test_a_label_can_be_added_after_training(
    make_ner_nlp: MakeNlp, optimizer: str, use_crf: bool
) -> None:
    nlp = make_ner_nlp({"use_crf": use_crf, "hidden_width": 16})
    nlp.initialize(lambda: make_examples(nlp))
    sgd = OPTIMIZERS[optimizer]()
    losses = learn_ner(nlp, sgd=sgd, n_steps=25)
    assert losses[-1] < 0.3 * losses[0]
    ner = nlp.get_pipe("bert_ner")
    docs = list(nlp.get_pipe("bert_transformer").pipe(map(nlp.make_doc, TEXTS)))
    before = ner.model.predict(docs).output
    assert ner.add_label("THING") == 1
    assert ner.add_label("THING") == 0
    docs = list(nlp.get_pipe("bert_transformer").pipe(docs))
    after = ner.model.predict(docs).output
    assert after.shape == (len(before), 13)
    torch.testing.assert_close(after[:, :9], before, rtol=1e-4, atol=1e-4)
    examples = [
        from_tags(nlp, "play some music", ["O", "O", "U-THING"]),
        from_tags(nlp, "book a table in london", ["O", "O", "O", "O", "U-CITY"]),
    ]
    learn_ner(nlp, examples, sgd=sgd, n_steps=30)
    for example in examples:
        assert [e.label_ for e in nlp(example.text).ents] == [
            e.label_ for e in example.reference.ents
        ]
    loaded = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert loaded.get_pipe("bert_ner").labels == ("CITY", "ROOM", "THING")
    assert list_ents(loaded("play some music")) == list_ents(nlp("play some music"))


@pytest.mark.parametrize("label", ["", None, 3])
def test_a_label_is_a_name(ner_nlp: Language, label: Any) -> None:
    with pytest.raises(SettingError, match="label"):
        ner_nlp.get_pipe("bert_ner").add_label(label)
    assert ner_nlp.get_pipe("bert_ner").labels == ("CITY", "ROOM")


def test_labels_can_be_given(make_ner_nlp: MakeNlp) -> None:
    nlp = make_ner_nlp()
    labels = ["ROOM", "CITY", "B-side"]
    nlp.config["initialize"]["components"]["bert_ner"] = {"labels": labels}
    learn_ner(nlp, n_steps=20)
    ner = nlp.get_pipe("bert_ner")
    assert ner.labels == tuple(labels)
    assert ner.label_data == labels
    assert nlp.evaluate(make_examples(nlp))["ents_f"] == 1.0


@pytest.mark.parametrize("use_crf", [False, True])
def test_data_without_entities_trains_where_labels_are_given(
    make_ner_nlp: MakeNlp, use_crf: bool
) -> None:
    nlp = make_ner_nlp({"use_crf": use_crf})
    nlp.config["initialize"]["components"]["bert_ner"] = {"labels": ["CITY"]}
    none = [Example.from_dict(nlp.make_doc(text), {"entities": []}) for text in TEXTS]
    losses = learn_ner(nlp, none, n_steps=15)
    assert 0.0 <= losses[-1] < 0.5 * losses[0]
    assert [doc.ents for doc in nlp.pipe(TEXTS)] == [()] * len(TEXTS)


@pytest.mark.parametrize("use_crf", [False, True])
def test_every_token_may_be_an_entity(make_ner_nlp: MakeNlp, use_crf: bool) -> None:
    nlp = make_ner_nlp({"use_crf": use_crf})
    examples = [
        from_tags(nlp, "new york", ["B-CITY", "L-CITY"]),
        from_tags(nlp, "paris", ["U-CITY"]),
        from_tags(nlp, "two paris berlin", ["U-CITY", "U-CITY", "U-CITY"]),
    ]
    learn_ner(nlp, examples, n_steps=30)
    assert nlp.evaluate(examples)["ents_f"] == 1.0
    assert len(nlp("two paris berlin").ents) == 3


def test_class_weights_weigh(make_ner_nlp: MakeNlp) -> None:
    """Twice the weight of all that is no entity: its share of the loss grows."""
    losses = {}
    for weight in (0.0, 0.5, 1.0):
        nlp = make_ner_nlp(class_weights={"CITY": weight, "ROOM": weight})
        nlp.initialize(lambda nlp=nlp: make_examples(nlp))
        losses[weight] = nlp.update(make_examples(nlp), sgd=False)["bert_ner"]
    nlp = make_ner_nlp(class_weights={"O": 0.0})
    nlp.initialize(lambda: make_examples(nlp))
    inside = nlp.update(make_examples(nlp), sgd=False)["bert_ner"]
    n_tokens = sum(len(example.predicted) for example in make_examples(nlp))
    for weight, loss in losses.items():
        total = (n_tokens - 3) * losses[0.0] + 3 * weight * inside
        assert loss == pytest.approx(total / (n_tokens - 3 + 3 * weight), rel=1e-4)


def test_a_batch_of_weight_zero_is_no_error(make_ner_nlp: MakeNlp) -> None:
    nlp = make_ner_nlp(class_weights={"O": 0.0})
    sgd = nlp.initialize(lambda: make_examples(nlp))
    none = [Example.from_dict(nlp.make_doc(text), {"entities": []}) for text in TEXTS]
    assert nlp.update(none, sgd=sgd)["bert_ner"] == 0.0
    assert nlp.update(make_examples(nlp), sgd=sgd)["bert_ner"] > 0.0


def test_impossible_class_weights_are_errors(make_ner_nlp: MakeNlp) -> None:
    with pytest.raises(SettingError, match="class_weights"):
        make_ner_nlp(class_weights={"CITY": -1.0})
    nlp = make_ner_nlp(class_weights={"TOWN": 2.0})
    with pytest.raises(SettingError, match=r"TOWN.*CITY"):
        nlp.initialize(lambda: make_examples(nlp))


def test_label_smoothing_keeps_the_model_from_being_sure(make_ner_nlp: MakeNlp) -> None:
    sure = {}
    for smoothing in (0.0, 0.3):
        nlp = make_ner_nlp(label_smoothing=smoothing)
        learn_ner(nlp, n_steps=40)
        assert nlp.evaluate(make_examples(nlp))["ents_f"] == 1.0
        sure[smoothing] = nlp(TEXTS[1]).ents[0]._.confidence
    assert sure[0.3] < 0.95 < sure[0.0]


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_learning_rate_zero_changes_nothing(make_ner_nlp: MakeNlp, optimizer: str) -> None:
    nlp = make_ner_nlp({"use_crf": True})
    nlp.initialize(lambda: make_examples(nlp))
    sgd = OPTIMIZERS[optimizer]()
    sgd.learn_rate = 0.0
    before, encoder = copy_weights(nlp), nlp.get_pipe("bert_transformer").to_bytes()
    learn_ner(nlp, sgd=sgd, n_steps=3)
    assert are_equal(copy_weights(nlp), before)
    assert nlp.get_pipe("bert_transformer").to_bytes() == encoder


@pytest.mark.parametrize("use_crf", [False, True])
def test_an_absurd_learning_rate_is_warned_of_and_leaves_finite_weights(
    make_ner_nlp: MakeNlp, use_crf: bool
) -> None:
    nlp = make_ner_nlp({"use_crf": use_crf})
    nlp.initialize(lambda: make_examples(nlp))
    losses: list[float] = []
    sgd = build_adamw_v1(1e3)
    with pytest.warns(UserWarning, match="wipes out"), contextlib.suppress(TrainingError):
        losses += learn_ner(nlp, sgd=sgd, n_steps=6)
    assert all(math.isfinite(loss) for loss in losses)
    assert all(bool(weights.isfinite().all()) for weights in copy_weights(nlp))


def test_dropout_is_used_in_training_only(ner_nlp: Language) -> None:
    before = list_ents(ner_nlp(TEXTS[1]))
    examples = make_examples(ner_nlp)
    plain = ner_nlp.update(examples, sgd=False)["bert_ner"]
    dropped = ner_nlp.update(examples, sgd=False, drop=0.8)["bert_ner"]
    assert dropped > 2.0 * plain
    assert list_ents(ner_nlp(TEXTS[1])) == before
