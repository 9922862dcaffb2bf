"""Streams through the heads: sizes are checked, a bad Doc is the only one lost."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_bert_plugin.errors import SettingError
from tests.pipeline.conftest import TRAIN, make_examples

TEXTS = [text for text, _ in TRAIN]
HEADS = ["bert_textcat", "bert_ner"]


@pytest.fixture
def heads_nlp(make_nlp: Callable[..., Language]) -> Language:
    nlp = make_nlp(heads=False)
    for name in HEADS:
        nlp.add_pipe(name)
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


@pytest.mark.parametrize("value", [0, -1, "8", 2.5, True, None])
def test_impossible_batch_size_is_an_error(heads_nlp: Language, value: Any) -> None:
    for name in HEADS:
        with pytest.raises(SettingError, match="batch_size"):
            heads_nlp.get_pipe(name).pipe([], batch_size=value)


def test_batches_of_none_do_not_lose_everything(heads_nlp: Language) -> None:
    with pytest.raises(SettingError, match="batch_size"):
        list(heads_nlp.pipe(TEXTS, batch_size=0))
    assert list(heads_nlp.pipe([])) == []


@pytest.mark.parametrize("name", HEADS)
def test_one_bad_doc_is_the_only_one_lost(
    heads_nlp: Language, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = heads_nlp.get_pipe(name)
    predict, failed = pipe.predict, []

    def fail(docs: Sequence[Doc]) -> Any:
        if any(doc.text == TEXTS[2] for doc in docs):
            raise RuntimeError("cannot")
        return predict(docs)

    expected = {text: heads_nlp(text).cats for text in TEXTS}
    monkeypatch.setattr(pipe, "predict", fail)
    with pytest.raises(RuntimeError, match="cannot"):
        list(heads_nlp.pipe(TEXTS))
    pipe.set_error_handler(lambda name, proc, docs, error: failed.extend(d.text for d in docs))
    docs = list(heads_nlp.pipe(TEXTS))
    assert [doc.text for doc in docs] == [TEXTS[0], TEXTS[1], TEXTS[3]]
    assert failed == [TEXTS[2]]
    for doc in docs:
        assert doc.cats == pytest.approx(expected[doc.text], abs=1e-5)


def test_windows_too_short_for_their_overlap_are_seen_while_loading(
    heads_nlp: Language, tmp_path: Path
) -> None:
    heads_nlp.to_disk(tmp_path)
    config = {"components": {"bert_transformer": {"model": {"overlap": 1000}}}}
    with pytest.raises(SettingError, match="1000"):
        spacy.load(tmp_path, config=config)
