"""The plain loop: batches, tags, schedule, and that it learns."""

import random
from typing import Any

import bare
import bare_docs
import numpy as np
import pytest
import spacy
import torch
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

TAGS = ["O", "B-X", "I-X", "B-Y", "I-Y"]


@given(
    st.lists(st.integers(1, 30), max_size=40),
    st.integers(1, 50),
    st.integers(1, 20),
    st.integers(0, 3),
)
def test_an_epoch_holds_every_text_once(
    words: list[int], batch_words: int, buffer: int, seed: int
) -> None:
    batches = list(
        bare.epoch_batches(
            words, words, batch_words=batch_words, buffer=buffer, rng=random.Random(seed)
        )
    )
    assert sorted(row for batch in batches for row in batch) == list(range(len(words)))
    for batch in batches:
        assert len(batch) == 1 or sum(words[row] for row in batch) <= batch_words
        assert [words[row] for row in batch] == sorted(words[row] for row in batch)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([], []),
        (["O", "O"], []),
        (["B-X", "I-X", "O", "B-Y"], [(0, 2, "X"), (3, 4, "Y")]),
        (["B-X", "B-X"], [(0, 1, "X"), (1, 2, "X")]),
        (["I-X", "I-X"], [(0, 2, "X")]),
        (["B-X", "I-Y", "I-Y"], [(0, 1, "X"), (1, 3, "Y")]),
        (["O", "B-X"], [(1, 2, "X")]),
    ],
)
def test_decode_bio(tags: list[str], expected: list[tuple[int, int, str]]) -> None:
    assert bare_docs.decode_bio(tags) == expected


@given(st.lists(st.sampled_from(TAGS), max_size=12))
def test_decoding_what_was_decoded_changes_nothing(tags: list[str]) -> None:
    entities = bare_docs.decode_bio(tags)
    written = ["O"] * len(tags)
    for start, end, label in entities:
        written[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    assert bare_docs.decode_bio(written) == entities
    assert [tag == "O" for tag in written] == [tag == "O" for tag in tags]


def test_tags_of_labels() -> None:
    assert bare_docs.bio_tags(["X", "Y"]) == TAGS
    assert bare_docs.bio_tags([]) == []
    biluo = ["O", "U-X", "B-U-L", "I-X", "L-L-X", "-", None]
    expected = ["O", "B-X", "B-U-L", "I-X", "I-L-X", None, None]
    assert [bare_docs.to_bio(tag) for tag in biluo] == expected


def test_first_pieces_of_words() -> None:
    word_ids = [None, 0, 0, 2, 2, None]
    assert bare_docs.first_pieces(word_ids, 4) == [1, -1, 3, -1]
    assert bare_docs.first_pieces([], 0) == []


def test_confidence_is_that_of_the_least_certain_word() -> None:
    Span.set_extension("confidence", default=None, force=True)
    try:
        doc = Doc(spacy.blank("en").vocab, words=["a", "b", "c"])
        text = bare.Text([1, 2, 3], [0, 1, -1], [0, 0, 0], None, 3)
        probabilities = np.array([[0.1, 0.9, 0.0], [0.2, 0.1, 0.7], [1.0, 0.0, 0.0]])
        bare_docs.write_entities(doc, text, probabilities, tags=TAGS[:3])
        assert [(span.start, span.end, span.label_) for span in doc.ents] == [(0, 2, "X")]
        assert doc.ents[0]._.confidence == pytest.approx(0.7)
    finally:
        Span.remove_extension("confidence")


def test_collate_pads_and_tags_first_pieces() -> None:
    long = bare.Text([5, 6, 7], [1, -1], [2, 1], torch.tensor(1), 2)
    short = bare.Text([8], [0], [3], torch.tensor(0), 1)
    batch = bare.collate([long, short], pad_id=9)
    assert batch.ids.tolist() == [[5, 6, 7], [8, 9, 9]]
    assert batch.mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch.tags.tolist() == [[-100, 2, -100], [3, -100, -100]]
    assert batch.targets is not None
    assert batch.targets.tolist() == [1, 0]


def test_schedule_goes_up_and_down() -> None:
    layer = torch.nn.Linear(1, 1)
    optimizer = bare.make_optimizer(layer, learn_rate=1.0)
    schedule = bare.linear_schedule(optimizer, n_steps=6, warmup=2)
    rates = []
    for _ in range(7):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([0.0, 0.5, 1.0, 0.75, 0.5, 0.25, 0.0])


class Tagger(torch.nn.Module):
    """The losses and heads of `BareModel` over an encoder of one table."""

    loss = bare.BareModel.loss
    forward = bare.BareModel.forward

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Table()
        self.dropout = torch.nn.Dropout(0.0)
        self.tagger = bare.make_linear(8, 3)
        self.classifier = bare.make_linear(8, 2)
        self.is_multilabel = self.is_pairs = False


class Table(torch.nn.Module):
    """Looks like an encoder of transformers."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(10, 8)

    def forward(self, *, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        self.last_hidden_state = self.table(input_ids)
        return self


@pytest.mark.parametrize("is_bf16", [False, True])
def test_updates_learn_and_groups_have_their_rates(is_bf16: bool) -> None:
    torch.manual_seed(0)
    model = Tagger()
    optimizer = bare.make_optimizer(model, learn_rate=0.01, head_factor=10.0)
    rates = {(round(g["lr"], 6), g["weight_decay"]) for g in optimizer.param_groups}
    assert rates == {(0.01, 0.01), (0.1, 0.01), (0.1, 0.0)}
    texts = [
        bare.Text([1, 2], [0, 1], [1, 2], torch.tensor(0), 2),
        bare.Text([3], [0], [0], torch.tensor(1), 1),
    ]
    batch = bare.collate(texts, pad_id=0)
    losses = [float(bare.update(model, batch, optimizer, is_bf16=is_bf16)) for _ in range(30)]
    assert losses[-1] < 0.3 * losses[0]


def test_a_batch_without_known_tags_has_a_finite_loss() -> None:
    model = Tagger()
    text = bare.Text([1], [0], [bare.IGNORE], None, 1)
    assert float(model.loss(bare.collate([text], pad_id=0))) == 0.0


def test_pairs_have_segments_and_are_pooled_by_the_checkpoint(tiny_checkpoint: Any) -> None:
    from spacy.training import Example
    from transformers import PreTrainedTokenizerFast

    from spacy_bert_plugin.util.pairs import make_pair_doc

    nlp = spacy.blank("en")
    gold = make_pair_doc(nlp, "the house", "in paris tomorrow")
    gold.cats = {"YES": 1.0, "NO": 0.0}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(tiny_checkpoint / "tokenizer.json"), pad_token="[PAD]"
    )
    maker = bare_docs.TextMaker(
        tokenizer, entity_labels=(), labels=["NO", "YES"], is_multilabel=False
    )
    (text,) = maker.make_pairs([Example(gold, gold)])
    assert text.segments == [0, 0, 0, 0, 1, 1, 1, 1]
    assert text.target is not None
    assert int(text.target) == 1
    model = bare.BareModel(
        str(tiny_checkpoint), n_tags=0, n_labels=2, is_multilabel=False, dropout=0.0, is_pairs=True
    )
    batch = bare.collate([text], pad_id=0)
    _, labels = model.eval()(batch)
    pooled = model.encoder(input_ids=batch.ids, token_type_ids=batch.segments).pooler_output
    torch.testing.assert_close(labels, model.classifier(pooled))
