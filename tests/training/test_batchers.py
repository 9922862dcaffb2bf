"""Batches by pieces: nothing lost, nothing too large, the same in every run."""

from pathlib import Path

import pytest
import spacy
from spacy.training import Example

from spacy_bert_plugin.checkpoints import read_tokenizer
from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.training.batchers import build_batch_by_pieces_v1


def make_examples(n_texts: int) -> list[Example]:
    nlp = spacy.blank("en")
    docs = [nlp.make_doc("the house in paris " * (1 + i % 7)) for i in range(n_texts)]
    return [Example(doc, doc.copy()) for doc in docs]


def count(examples: list[Example], checkpoint: Path) -> int:
    tokenizer = read_tokenizer(checkpoint)
    pieces = tokenizer.encode([example.predicted.text for example in examples])
    return sum(len(p) + tokenizer.n_special for p in pieces)


@pytest.mark.parametrize("buffer", [1, 10, 1000])
def test_every_example_is_in_one_batch_of_at_most_the_size(
    tiny_checkpoint: Path, buffer: int
) -> None:
    examples = make_examples(50)
    batches = list(build_batch_by_pieces_v1(str(tiny_checkpoint), 64, buffer)(examples))
    assert sorted(id(e) for b in batches for e in b) == sorted(map(id, examples))
    assert all(len(b) == 1 or count(b, tiny_checkpoint) <= 64 for b in batches)


def test_texts_of_a_batch_are_about_as_long_as_each_other(tiny_checkpoint: Path) -> None:
    batches = build_batch_by_pieces_v1(str(tiny_checkpoint), 64, 1000)(make_examples(70))
    spreads = [max(len(e.predicted) for e in b) - min(len(e.predicted) for e in b) for b in batches]
    assert sorted(spreads)[len(spreads) // 2] <= 4


def test_a_text_over_the_size_is_a_batch_alone(tiny_checkpoint: Path) -> None:
    batches = list(build_batch_by_pieces_v1(str(tiny_checkpoint), 5)(make_examples(7)))
    assert [len(batch) for batch in batches] == [1] * 7


def test_order_changes_with_the_epoch_and_not_with_the_run(tiny_checkpoint: Path) -> None:
    examples = make_examples(60)

    def epochs() -> list[list[list[str]]]:
        batcher = build_batch_by_pieces_v1(str(tiny_checkpoint), 32)
        return [[[e.text for e in b] for b in batcher(examples)] for _ in range(2)]

    one, other = epochs(), epochs()
    assert one == other
    assert one[0] != one[1]


def test_nothing_gives_nothing(tiny_checkpoint: Path) -> None:
    assert list(build_batch_by_pieces_v1(str(tiny_checkpoint))([])) == []


@pytest.mark.parametrize("settings", [{"size": 0}, {"buffer": 0}, {"size": 2.5}, {"buffer": True}])
def test_impossible_settings_are_errors(settings: dict[str, int]) -> None:
    with pytest.raises(SettingError, match=next(iter(settings))):
        build_batch_by_pieces_v1("x", **settings)
