"""The head of bert_ner: features of neighbours, and labels that are added later."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spacy_bert_plugin.heads import TokenClassifier, log_partition
from spacy_bert_plugin.heads.token_classifier import shift

WIDTH = 6
LENGTHS = st.lists(st.integers(0, 4), max_size=5)


def make_head(n_labels: int = 2, **settings: object) -> TokenClassifier:
    torch.manual_seed(n_labels)
    head = TokenClassifier(WIDTH, n_labels, feature_rows=50, feature_width=3, **settings)  # type: ignore[arg-type]
    with torch.no_grad():
        for param in head.parameters():
            param.normal_()
    return head


def make_inputs(n_tokens: int, n_features: int = 2) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n_tokens)
    features = torch.randint(0, 2**62, (n_tokens, n_features), generator=generator)
    return torch.randn(n_tokens, WIDTH, generator=generator), features


@given(LENGTHS, st.integers(-5, 5))
def test_shift_gives_the_row_of_a_neighbour(lengths: list[int], distance: int) -> None:
    rows = torch.arange(1, sum(lengths) + 1)[:, None].repeat(1, 2)
    expected = []
    for sequence in rows.split(lengths):
        for place in range(len(sequence)):
            neighbour = place - distance
            is_there = 0 <= neighbour < len(sequence)
            expected.append(sequence[neighbour].tolist() if is_there else [0, 0])
    assert shift(rows, lengths, distance).tolist() == expected


@given(LENGTHS, st.integers(0, 3))
def test_alone_as_in_a_batch(lengths: list[int], window: int) -> None:
    head = make_head(n_features=2, feature_window=window)
    vectors, features = make_inputs(sum(lengths))
    together = head(vectors, lengths=lengths, features=features)
    assert together.shape == (sum(lengths), 9)
    parts = zip(vectors.split(lengths), features.split(lengths), strict=True)
    alone = [head(x, lengths=[len(x)], features=names) for x, names in parts]
    expected = torch.cat(alone) if alone else together
    torch.testing.assert_close(together, expected, rtol=1e-4, atol=1e-4)


def test_features_reach_as_far_as_the_window() -> None:
    head = make_head(n_features=1, feature_window=1)
    vectors, features = make_inputs(5, 1)
    before = head(vectors, lengths=[3, 2], features=features)
    features[2] += 7
    after = head(vectors, lengths=[3, 2], features=features)
    changed = (before != after).any(1)
    # Its neighbour, itself, and not the next Doc.
    assert changed.tolist() == [False, True, True, False, False]


def test_features_of_one_kind_do_not_stand_for_another() -> None:
    head = make_head(n_features=2, feature_window=0)
    vectors = torch.zeros(1, WIDTH)
    one, other = (torch.tensor([pair]) for pair in ([1, 2], [2, 1]))
    assert not torch.equal(
        head(vectors, lengths=[1], features=one), head(vectors, lengths=[1], features=other)
    )


def test_without_features_vectors_are_all() -> None:
    head = make_head()
    vectors, _ = make_inputs(3)
    torch.testing.assert_close(head(vectors, lengths=[3]), head.output(vectors))
    assert head.transitions is None


def test_dropout_is_an_argument() -> None:
    head = make_head(hidden_width=7)
    vectors, _ = make_inputs(4)
    assert torch.equal(head(vectors, lengths=[4]), head(vectors, lengths=[4]))
    assert not torch.equal(head(vectors, lengths=[4], dropout=0.5), head(vectors, lengths=[4]))


CASES: list[dict[str, object]] = [
    {},
    {"use_crf": True},
    {"n_features": 2, "feature_window": 2, "hidden_width": 5, "use_crf": True},
]


@pytest.mark.parametrize("settings", CASES, ids=str)
@pytest.mark.parametrize(("n_old", "n_new"), [(1, 2), (2, 5), (3, 3)])
def test_more_labels_keep_what_was_learned(
    settings: dict[str, object], n_old: int, n_new: int
) -> None:
    old, new = make_head(n_old, **settings), make_head(n_new, **settings)
    new.copy_from(old)
    vectors, features = make_inputs(6)
    lengths = [4, 0, 2]
    before = old(vectors, lengths=lengths, features=features)
    after = new(vectors, lengths=lengths, features=features)
    n_tags = before.shape[1]
    torch.testing.assert_close(after[:, :n_tags], before, rtol=1e-4, atol=1e-4)
    # All sequences of the old tags weigh what they did: so do their transitions.
    allowed = (torch.arange(after.shape[1]) < n_tags).expand(len(after), -1)
    expected = log_partition(before, lengths, old.transitions)
    found = log_partition(after, lengths, new.transitions, allowed=allowed)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)


def test_a_grown_head_shares_no_memory() -> None:
    old, new = make_head(1, use_crf=True), make_head(2, use_crf=True)
    new.copy_from(old)
    before = old.output.weight.detach().clone()
    with torch.no_grad():
        for param in new.parameters():
            param.zero_()
    assert torch.equal(old.output.weight, before)
