"""The order of the data depends on nothing but where its random stream begins."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.training import Example
from spacy.training.loop import create_train_batches
from spacy.util import minibatch

from spacy_bert_plugin.errors import DataError
from spacy_bert_plugin.training.randomness import HostState, capture_random, restore_random
from spacy_bert_plugin.training.stream import BatchStream


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("en")


def make_stream(nlp: Language, *, n_epochs: int = 3, start: HostState | None = None) -> BatchStream:
    def read(nlp: Language) -> Iterator[Example]:
        for number in range(10):
            # A reader may draw as well, from either generator.
            words = [str(number), str(random.random()), str(np.random.rand())]
            yield Example.from_dict(nlp.make_doc(" ".join(words)), {"cats": {"A": 1.0}})

    batches = create_train_batches(nlp, read, lambda items: minibatch(items, 3), n_epochs)
    return BatchStream(batches, start=start)


def read_texts(stream: BatchStream) -> list[list[str]]:
    return [[example.text for example in batch] for _, batch in stream]


def test_nothing_between_two_batches_changes_the_order(nlp: Language) -> None:
    random.seed(1)
    np.random.seed(1)
    start = HostState.capture()
    stream = make_stream(nlp)
    texts = []
    for _, batch in stream:
        texts.append([example.text for example in batch])
        random.random()
        np.random.rand()
    assert len(texts) == stream.n_batches == 12
    again = make_stream(nlp, start=start)
    assert read_texts(again) == texts
    assert again.digest == stream.digest
    assert read_texts(make_stream(nlp)) != texts


def test_nothing_outside_notices(nlp: Language) -> None:
    before = capture_random()
    stream = make_stream(nlp)
    assert len(read_texts(stream)) == 12
    with pytest.raises(StopIteration):
        next(stream)
    assert capture_random() == before


def test_skipping_leads_to_the_same_place(nlp: Language) -> None:
    stream = make_stream(nlp)
    for _ in range(7):
        next(stream)
    again = make_stream(nlp, start=stream.start)
    again.skip(7, digest=stream.digest, path=Path("run"))
    assert read_texts(again) == read_texts(stream)
    other = make_stream(nlp, start=stream.start)
    with pytest.raises(DataError, match="first 6 batches"):
        other.skip(6, digest=stream.digest, path=Path("run"))
    empty = make_stream(nlp)
    empty.skip(0, digest=make_stream(nlp).digest, path=Path("run"))
    assert empty.n_batches == 0


@pytest.mark.parametrize(
    "change",
    [
        {"words": ["a", "c"]},
        {"tags": ["X", "X"]},
        {"entities": ["U-PER", "O"]},
        {"entities": ["B-LOC", "L-LOC"]},
        {"heads": [0, 0], "deps": ["ROOT", "dep"]},
        {"cats": {"A": 0.5}},
        {"spans": {"sc": [(0, 1, "PER")]}},
    ],
)
def test_gold_annotation_is_part_of_the_data(nlp: Language, change: dict[str, object]) -> None:
    gold = {"words": ["a", "b"], "tags": ["X", "Y"], "entities": ["U-LOC", "O"], "cats": {"A": 1.0}}
    digests = []
    for annotation in (gold, {**gold}, {**gold, **change}):
        doc = spacy.tokens.Doc(nlp.vocab, words=annotation["words"])
        stream = BatchStream(iter([(0, [Example.from_dict(doc, annotation)])]))
        next(stream)
        digests.append(stream.digest)
    assert digests[0] == digests[1] != digests[2]


def test_empty_docs_and_batches(nlp: Language) -> None:
    doc = nlp.make_doc("")
    stream = BatchStream(iter([(0, []), (0, [Example(doc, doc.copy())])]))
    assert [len(batch) for _, batch in stream] == [0, 1]


def test_random_states_come_back() -> None:
    import torch

    state = capture_random()
    drawn = (random.gauss(0, 1), np.random.randn(), torch.rand(3).tolist())
    restore_random(state)
    assert (random.gauss(0, 1), np.random.randn(), torch.rand(3).tolist()) == drawn
    state = capture_random()  # with half of a pair of normal numbers waiting
    drawn = (random.gauss(0, 1), np.random.randn(), torch.rand(3).tolist())
    restore_random(state)
    assert (random.gauss(0, 1), np.random.randn(), torch.rand(3).tolist()) == drawn
