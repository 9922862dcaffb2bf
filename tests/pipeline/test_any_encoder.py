"""Every architecture that is said to work, in a pipeline: trained, saved, loaded, long Docs."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language

from tests.conftest import make_byte_bpe_tokenizer, make_wordpiece_tokenizer
from tests.encoder.architectures import KNOWN, WARNINGS, build_model
from tests.pipeline.conftest import make_examples, make_ner_model, make_textcat_model

pytestmark = [pytest.mark.filterwarnings(text) for text in WARNINGS]
TEXTS = [
    "play the long movie",
    "",
    "please book a table for two in paris " * 12,  # more than a window
    "hello",
    "turn off the light in the kitchen at seven",
]


@pytest.fixture
def make_any(tmp_path: Path) -> Callable[..., Language]:
    """Make a pipeline with an architecture of transformers, textcat and ner; not initialised."""

    def make(name: str, **config: Any) -> Language:
        folder = tmp_path / "checkpoint"
        is_bert = build_model(name).config.pad_token_id != 1
        tokenizer = (make_wordpiece_tokenizer if is_bert else make_byte_bpe_tokenizer)()
        model = build_model(name, vocab_size=tokenizer.get_vocab_size())
        model.config.architectures = [type(model).__name__]
        model.save_pretrained(folder)
        tokenizer.save(str(folder / "tokenizer.json"))
        spacy.util.fix_random_seed(0)
        nlp = spacy.blank("en")
        settings = {"name": str(folder), "overlap": 8}
        if name == "xlnet":
            settings["max_pieces"] = 40  # it takes any length
        nlp.add_pipe("bert_transformer", config={"model": settings, "keep": "tokens", **config})
        nlp.add_pipe("textcat", config={"model": make_textcat_model()})
        nlp.add_pipe("ner", config={"model": make_ner_model()})
        return nlp

    return make


def predict(nlp: Language, texts: list[str], *, batch_size: int = 8) -> list[np.ndarray]:
    docs = list(nlp.pipe(texts, batch_size=batch_size))
    assert all(doc.tensor.shape == (len(doc), 24) for doc in docs if len(doc))
    return [doc.tensor.reshape(-1, 24) for doc in docs]


def assert_same(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


@pytest.mark.parametrize("name", KNOWN)
def test_trained_saved_and_loaded(
    name: str, make_any: Callable[..., Language], tmp_path: Path
) -> None:
    nlp = make_any(name)
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    before = predict(nlp, TEXTS)
    losses = [nlp.update(make_examples(nlp), sgd=optimizer, drop=0.1) for _ in range(2)]
    assert all(loss[name] > 0 for loss in losses for name in ("ner", "textcat"))
    after = predict(nlp, TEXTS)
    assert np.abs(after[0] - before[0]).max() > 1e-5  # the encoder itself has learned
    assert_same(predict(nlp, TEXTS, batch_size=1), after)
    assert_same(predict(nlp, TEXTS[::-1]), after[::-1])
    nlp.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline")
    assert_same(predict(loaded, TEXTS), after)
    assert [doc.cats for doc in loaded.pipe(TEXTS)] == [doc.cats for doc in nlp.pipe(TEXTS)]


@pytest.mark.parametrize("name", [n for n in ("big_bird", "fnet", "modernbert") if n in KNOWN])
def test_threads_share_a_pipeline(name: str, make_any: Callable[..., Language]) -> None:
    nlp = make_any(name)
    nlp.initialize(lambda: make_examples(nlp))
    expected = predict(nlp, TEXTS)
    found: list[list[np.ndarray]] = []
    threads = [threading.Thread(target=lambda: found.append(predict(nlp, TEXTS))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for one in found:
        assert_same(one, expected)
