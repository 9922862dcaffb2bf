"""What stands in for an optimizer: any function of a key, the weights and their gradient."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.training import Example
from thinc.api import Adam

from spacy_bert_plugin.layers import get_shim

TEXTS = ["play some music", "the weather in berlin"]


@pytest.fixture
def tagger(tiny_checkpoint: Path) -> Language:
    """A tagger with an encoder of its own, which has predicted already."""
    nlp = spacy.blank("en")
    encoder = {
        "@architectures": "spacy-bert-plugin.BertEncoder.v1",
        "name": str(tiny_checkpoint),
        "overlap": 8,
    }
    model = {"@architectures": "spacy.Tagger.v2", "tok2vec": encoder}
    nlp.add_pipe("tagger", config={"model": model})
    nlp.initialize(lambda: make_examples(nlp))
    list(nlp.pipe(TEXTS))
    return nlp


def make_examples(nlp: Language) -> list[Example]:
    return [
        Example.from_dict(nlp.make_doc("play some music"), {"tags": ["V", "D", "N"]}),
        Example.from_dict(nlp.make_doc("the weather in berlin"), {"tags": ["D", "N", "P", "N"]}),
    ]


def score(nlp: Language) -> np.ndarray:
    model = nlp.get_pipe("tagger").model
    return np.concatenate(model.predict([nlp.make_doc(text) for text in TEXTS]))


def test_function_of_three_arguments(tagger: Language) -> None:
    seen = []

    def optimize(key: Any, weights: Any, gradient: Any) -> Any:
        seen.append(key)
        return weights - 0.1 * gradient, gradient

    before = score(tagger)
    tagger.update(make_examples(tagger), sgd=optimize)
    assert len(seen) > 20
    assert np.abs(score(tagger) - before).max() > 1e-4


def test_rehearsal_is_seen_by_predictions(tagger: Language) -> None:
    optimizer = Adam(0.01)
    tagger.update(make_examples(tagger), sgd=optimizer)
    component = tagger.get_pipe("tagger")
    component._rehearsal_model = component.model.copy()
    tagger.update(make_examples(tagger), sgd=optimizer)
    score(tagger)
    encoder = get_shim(component.model.get_ref("tok2vec")).encoder
    before = [param.detach().clone() for param in encoder.parameters()]
    # spaCy collects the weights, and changes them in place when the component is done.
    tagger.rehearse(make_examples(tagger), sgd=optimizer)
    after = score(tagger)
    pairs = zip(before, encoder.parameters(), strict=True)
    assert sum(not torch.equal(old, new) for old, new in pairs) > 20
    again = spacy.blank("en").from_config(tagger.config).from_bytes(tagger.to_bytes())
    np.testing.assert_allclose(after, score(again), atol=1e-6)
