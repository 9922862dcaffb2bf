"""Listeners: shared, frozen, annotating, replaced, sourced, renamed, removed, disabled."""

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy import ty
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_bert_plugin.errors import ListenerError
from spacy_bert_plugin.layers import BertListener, get_shim
from tests.pipeline.conftest import (
    LISTENER,
    TRAIN,
    make_examples,
    make_ner_model,
    make_textcat_model,
)

MakeNlp = Callable[..., Language]
TEXTS = [text for text, _ in TRAIN]


def find_listener(nlp: Language, name: str) -> BertListener:
    (found,) = [n for n in nlp.get_pipe(name).model.walk() if isinstance(n, BertListener)]
    return found


def get_weights(nlp: Language, name: str = "bert_transformer") -> dict[str, torch.Tensor]:
    encoder = get_shim(nlp.get_pipe(name).model).encoder
    return {key: value.detach().clone() for key, value in encoder.named_parameters()}


def differ(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return any(not torch.equal(one[name], other[name]) for name in one)


def train(nlp: Language, n_steps: int = 3, **kwargs: Any) -> dict[str, float]:
    optimizer = nlp.create_optimizer()
    losses: dict[str, float] = {}
    for _ in range(n_steps):
        losses = nlp.update(make_examples(nlp), sgd=optimizer, **kwargs)
    return losses


def test_component_has_the_structure_that_spacy_asks_for(nlp: Language) -> None:
    pipe = nlp.get_pipe("bert_transformer")
    assert isinstance(pipe, ty.ListenedToComponent)
    assert isinstance(pipe, ty.TrainableComponent)
    assert isinstance(pipe, ty.InitializableComponent)
    assert pipe.listening_components == ["textcat", "ner"]
    assert pipe.listeners == [find_listener(nlp, "textcat"), find_listener(nlp, "ner")]


def test_training_changes_the_encoder_and_lowers_the_losses(nlp: Language) -> None:
    before = get_weights(nlp)
    first = nlp.update(make_examples(nlp), sgd=nlp.create_optimizer())
    last = train(nlp, 30)
    assert differ(before, get_weights(nlp))
    assert last["textcat"] < first["textcat"]
    assert last["ner"] < first["ner"]
    assert first["bert_transformer"] > 0


def test_gradients_of_listeners_add_up(make_nlp: MakeNlp) -> None:
    """0, 1 and 2 listeners that send known gradients; the weights get their sum."""
    nlp = make_nlp()
    nlp.initialize(lambda: make_examples(nlp))
    pipe = nlp.get_pipe("bert_transformer")
    encoder = get_shim(pipe.model).encoder
    examples = make_examples(nlp)
    docs = [eg.predicted for eg in examples]

    def collect(names: list[str]) -> torch.Tensor:
        encoder.zero_grad()
        pipe.update(examples)
        for name in names:
            vectors, backprop = find_listener(nlp, name).begin_update(docs)
            backprop([np.ones_like(v) for v in vectors])
        pipe._flush()
        grad = encoder.layers[0].attention.query.weight.grad if names else None  # type: ignore[attr-defined]
        return torch.zeros(32, 32) if grad is None else grad.clone()

    one, two = collect(["ner"]), collect(["textcat", "ner"])
    assert collect([]).abs().sum() == 0
    assert one.abs().sum() > 0
    torch.testing.assert_close(two, 2 * one)


def test_frozen_listener_does_not_hold_the_others_up(nlp: Language) -> None:
    before = get_weights(nlp)
    train(nlp, exclude=["ner"])  # the last listener never reports
    assert differ(before, get_weights(nlp))


def test_frozen_encoder_without_annotation_is_an_error_that_names_the_listener(
    nlp: Language,
) -> None:
    with pytest.raises(ListenerError, match=r"'textcat' listens to 'bert_transformer'.*annotating"):
        train(nlp, exclude=["bert_transformer"])


def test_frozen_and_annotating_encoder_keeps_its_weights(nlp: Language) -> None:
    before = get_weights(nlp)
    options = {"exclude": ["bert_transformer"], "annotates": ["bert_transformer"]}
    first = train(nlp, 1, **options)
    last = train(nlp, 20, **options)
    assert not differ(before, get_weights(nlp))
    assert last["textcat"] < first["textcat"]


def test_batch_that_nobody_read_is_not_that_of_equal_texts(nlp: Language) -> None:
    names = [name for name in nlp.pipe_names if name != "bert_transformer"]
    nlp.update(make_examples(nlp), sgd=nlp.create_optimizer(), exclude=names)
    before = get_weights(nlp)
    options = {"exclude": ["bert_transformer"], "annotates": ["bert_transformer"]}
    nlp.update(make_examples(nlp), sgd=nlp.create_optimizer(), **options)
    assert not differ(before, get_weights(nlp))


def test_component_that_annotates_reads_vectors_without_dropout(nlp: Language) -> None:
    seen: list[np.ndarray] = []
    textcat = nlp.get_pipe("textcat")
    original = textcat.predict
    textcat.predict = lambda docs: (
        seen.extend(find_listener(nlp, "textcat").predict(docs)),
        original(docs),
    )[1]
    examples = make_examples(nlp)
    nlp.update(examples, drop=0.9, sgd=False, annotates=["textcat"])
    pipe = nlp.get_pipe("bert_transformer")
    expected = pipe.predict([eg.predicted for eg in examples])
    for got, item in zip(seen, expected, strict=True):
        np.testing.assert_allclose(got, item.outputs["tokens"], atol=1e-5)


def test_gradient_accumulation_equals_one_large_batch(make_nlp: MakeNlp) -> None:
    grads = []
    for parts in (1, 2):
        nlp = make_nlp()
        nlp.initialize(lambda: make_examples(nlp))  # noqa: B023
        pipe = nlp.get_pipe("bert_transformer")
        examples = make_examples(nlp)
        size = len(examples) // parts
        for start in range(0, len(examples), size):
            batch = examples[start : start + size]
            pipe.update(batch)
            vectors, backprop = find_listener(nlp, "ner").begin_update(
                [eg.predicted for eg in batch]
            )
            backprop([np.ones_like(v) for v in vectors])
        pipe._flush()
        encoder = get_shim(pipe.model).encoder
        grads.append(
            {n: p.grad.clone() for n, p in encoder.named_parameters() if p.grad is not None}
        )
    assert grads[0]
    for name, grad in grads[0].items():
        torch.testing.assert_close(grad, grads[1][name], atol=1e-4, rtol=1e-4)


def test_replaced_listener_gives_the_same_predictions(nlp: Language) -> None:
    train(nlp, 3)
    expected = [(doc.cats, [e.text for e in doc.ents]) for doc in nlp.pipe(TEXTS)]
    nlp.replace_listeners("bert_transformer", "textcat", ["model.tok2vec"])
    assert nlp.get_pipe("bert_transformer").listening_components == ["ner"]
    cfg = nlp.config["components"]["textcat"]["model"]["tok2vec"]
    assert cfg["@architectures"] == "spacy-bert-plugin.BertEncoder.v1"
    for doc, (cats, ents) in zip(nlp.pipe(TEXTS), expected, strict=True):
        assert doc.cats == pytest.approx(cats, abs=1e-5)
        assert [e.text for e in doc.ents] == ents


def test_replaced_listener_owns_its_weights_and_saves_them(nlp: Language, tmp_path: Any) -> None:
    nlp.replace_listeners("bert_transformer", "textcat", ["model.tok2vec"])
    train(nlp, 3)
    nlp.to_disk(tmp_path / "m")
    loaded = spacy.load(tmp_path / "m")
    for doc, other in zip(nlp.pipe(TEXTS), loaded.pipe(TEXTS), strict=True):
        assert doc.cats == pytest.approx(other.cats, abs=1e-6)
    shared = get_weights(nlp)
    own = get_shim(nlp.get_pipe("textcat").model.get_ref("tok2vec")).encoder
    assert differ(shared, dict(own.named_parameters()))  # type: ignore[arg-type]


def test_pooled_listener_can_be_replaced(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    pooled = {"@architectures": "spacy-bert-plugin.BertPooledListener.v1", "pooling": "cls"}
    nlp.add_pipe("textcat", config={"model": make_textcat_model(pooled)})
    nlp.initialize(lambda: make_examples(nlp))
    expected = [doc.cats for doc in nlp.pipe(TEXTS)]
    nlp.replace_listeners("bert_transformer", "textcat", ["model.tok2vec"])
    assert nlp.config["components"]["textcat"]["model"]["tok2vec"]["output"] == "cls"
    nlp.remove_pipe("bert_transformer")
    for doc, cats in zip(nlp.pipe(TEXTS), expected, strict=True):
        assert doc.cats == pytest.approx(cats, abs=1e-5)


def test_sourced_components_work_in_both_pipelines(nlp: Language) -> None:
    other = spacy.blank("en", vocab=nlp.vocab)
    other.add_pipe("bert_transformer", source=nlp)
    other.add_pipe("ner", source=nlp)
    expected = [[e.text for e in doc.ents] for doc in nlp.pipe(TEXTS)]
    assert [[e.text for e in doc.ents] for doc in other.pipe(TEXTS)] == expected


def test_head_sourced_to_another_encoder_still_works_at_home(
    nlp: Language, make_nlp: MakeNlp
) -> None:
    expected = [[e.text for e in doc.ents] for doc in nlp.pipe(TEXTS)]
    other = make_nlp(heads=False)
    other.add_pipe("ner", source=nlp)
    other.get_pipe("bert_transformer").initialize()
    assert len(list(other.pipe(TEXTS))) == len(TEXTS)
    assert [[e.text for e in doc.ents] for doc in nlp.pipe(TEXTS)] == expected


def test_renamed_encoder_keeps_its_listeners(nlp: Language) -> None:
    expected = [doc.cats for doc in nlp.pipe(TEXTS)]
    nlp.rename_pipe("bert_transformer", "shared")
    assert [doc.cats for doc in nlp.pipe(TEXTS)] == expected
    assert train(nlp, 1)["shared"] > 0


def test_listener_finds_its_encoder_by_name(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(heads=False)
    nlp.add_pipe(
        "ner", config={"model": make_ner_model({**LISTENER, "upstream": "bert_transformer"})}
    )
    assert nlp.get_pipe("bert_transformer").listening_components == ["ner"]
    nlp.add_pipe("textcat", config={"model": make_textcat_model({**LISTENER, "upstream": "other"})})
    assert nlp.get_pipe("bert_transformer").listening_components == ["ner"]


def test_listener_without_any_encoder_is_an_error(make_nlp: MakeNlp) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner", config={"model": make_ner_model()})
    with pytest.raises(ListenerError, match="no encoder to listen to"):
        nlp.get_pipe("ner").model.get_ref("tok2vec").predict([nlp.make_doc("the house")])


@pytest.mark.parametrize("how", ["disabled", "disabled for a call", "removed"])
def test_missing_encoder_is_an_error_that_names_the_listener(nlp: Language, how: str) -> None:
    disable = []
    if how == "removed":
        nlp.remove_pipe("bert_transformer")
    elif how == "disabled":
        nlp.disable_pipe("bert_transformer")
    else:
        disable = ["bert_transformer"]
    with pytest.raises(ListenerError, match="'textcat' listens to 'bert_transformer'"):
        nlp("the house", disable=disable)
    with pytest.raises(ListenerError, match="'textcat'"):
        list(nlp.pipe(["the house"], disable=disable))


def test_encoder_placed_after_its_listener_is_an_error(nlp: Language) -> None:
    doc = nlp.make_doc("the house")
    with pytest.raises(ListenerError, match="placed after"):
        nlp.get_pipe("ner")(doc)


def test_batch_of_other_docs_is_an_error(nlp: Language) -> None:
    examples = make_examples(nlp)
    nlp.get_pipe("bert_transformer").update(examples)
    docs = [eg.predicted for eg in examples]
    with pytest.raises(ListenerError, match="in this order"):
        find_listener(nlp, "ner").begin_update(docs[::-1])
    # Other words with the same hashes in sum: spaCy's own check would not notice.
    swapped = [Doc(nlp.vocab, words=[t.text for t in doc][::-1]) for doc in docs]
    with pytest.raises(ListenerError, match="in this order"):
        find_listener(nlp, "ner").begin_update(swapped)
    vectors, _ = find_listener(nlp, "ner").begin_update([doc.copy() for doc in docs])
    assert [len(v) for v in vectors] == [len(doc) for doc in docs]


def test_two_encoders_side_by_side(make_nlp: MakeNlp, tiny_checkpoint: Any) -> None:
    nlp = make_nlp(heads=False)
    nlp.add_pipe(
        "bert_transformer",
        name="second",
        config={"model": {"name": str(tiny_checkpoint), "overlap": 8}},
    )
    nlp.add_pipe(
        "textcat",
        config={"model": make_textcat_model({**LISTENER, "upstream": "bert_transformer"})},
    )
    nlp.add_pipe("ner", config={"model": make_ner_model({**LISTENER, "upstream": "second"})})
    nlp.initialize(lambda: make_examples(nlp))
    before = get_weights(nlp), get_weights(nlp, "second")
    train(nlp, 2)
    assert differ(before[0], get_weights(nlp))
    assert differ(before[1], get_weights(nlp, "second"))
    assert nlp("play music in london").cats


def test_activations_are_released_after_the_last_listener(nlp: Language) -> None:
    store = nlp.get_pipe("bert_transformer").store
    docs = list(nlp.pipe(TEXTS))
    assert all(store.find(doc).outputs == {} for doc in docs)
    assert all(doc.tensor.size == 0 for doc in docs)
    del docs
    gc.collect()
    assert len(store._by_doc) == 0


def test_vectors_of_a_disabled_listener_do_not_pile_up(
    nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacy_bert_plugin.pipeline.activations.MAX_WAITING", 20)
    store = nlp.get_pipe("bert_transformer").store
    docs = list(nlp.pipe(TEXTS * 10, batch_size=4, disable=["ner"]))
    held = [doc for doc in docs if store.find(doc).outputs]
    assert len(held) <= 8
    # They can still be had: what was let go of is computed anew.
    expected = [[e.text for e in doc.ents] for doc in nlp.pipe(TEXTS)]
    assert [[e.text for e in nlp.get_pipe("ner")(doc).ents] for doc in docs[:4]] == expected


def test_training_batch_is_let_go_of(nlp: Language) -> None:
    train(nlp, 1)
    nlp.get_pipe("bert_transformer").finish_update(nlp.create_optimizer())
    for name in ("textcat", "ner"):
        assert find_listener(nlp, name)._vectors is None


def test_update_with_nothing_to_learn_from(nlp: Language) -> None:
    assert nlp.get_pipe("bert_transformer").update([]) == {"bert_transformer": 0.0}
    empty = [Example.from_dict(nlp.make_doc(""), {"cats": {"PLAY": 1.0, "BOOK": 0.0}})]
    losses = nlp.update(empty, sgd=nlp.create_optimizer())
    assert np.isfinite(list(losses.values())).all()
    mixed = [*empty, *make_examples(nlp)]
    assert nlp.update(mixed, sgd=nlp.create_optimizer())["ner"] > 0
