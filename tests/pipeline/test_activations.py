"""What waits for listeners is bounded, and forgotten with its Docs."""

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc

from spacy_bert_plugin.pipeline import activations
from spacy_bert_plugin.pipeline.activations import Activations, ActivationStore

NLP = spacy.blank("en")


def add(store: ActivationStore, doc: Doc) -> Activations:
    item = Activations(len(doc), {"tokens": np.ones((len(doc), 3), dtype="float32")})
    store.add([doc], [item])
    return item


@pytest.mark.parametrize("text", ["", "three short words"])
def test_calls_whose_docs_are_gone_are_forgotten(text: str) -> None:
    store = ActivationStore()
    for _ in range(100):
        add(store, NLP.make_doc(text))
    waiting = store._find_waiting()
    assert len(waiting.calls) <= 2
    assert waiting.n_tokens == sum(n for _, n in waiting.calls)


def test_the_oldest_vectors_are_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activations, "MAX_WAITING", 5)
    store, docs = ActivationStore(), [NLP.make_doc("three short words") for _ in range(4)]
    items = [add(store, doc) for doc in docs]
    # Two of them are more than may wait: the next call lets go of the older one.
    assert [bool(item.outputs) for item in items] == [False, False, True, True]
    assert [doc.tensor.size for doc in docs] == [0, 0, 9, 9]
    assert store.find(docs[0]) is items[0]  # that the encoder has run stays known
