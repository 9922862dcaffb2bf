"""Entities to tags and back."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lattice_reference import is_legal, list_entities

from spacy_bert_plugin.errors import DataError, SettingError
from spacy_bert_plugin.heads import BiluoScheme, tags_allowed
from spacy_bert_plugin.heads.biluo import find_legal
from spacy_bert_plugin.pieces import IntArray

SCHEME = BiluoScheme(["PER", "GPE"])


def rows(*spans: tuple[int, int, int]) -> IntArray:
    return np.array(spans, dtype=np.int64).reshape(-1, 3)


def encode_names(scheme: BiluoScheme, spans: IntArray, n_tokens: int) -> str:
    return " ".join(scheme.names[tag] for tag in scheme.encode(spans, n_tokens=n_tokens))


def test_worked_example() -> None:
    spans = rows((4, 7, 1), (0, 2, 0), (8, 9, 0))
    names = "B-PER L-PER O O B-GPE I-GPE L-GPE O U-PER"
    assert encode_names(SCHEME, spans, 9) == names
    tags = np.array([SCHEME.names.index(name) for name in names.split()])
    assert SCHEME.decode(tags, [9]).tolist() == [[0, 2, 0], [4, 7, 1], [8, 9, 0]]


def test_nothing() -> None:
    for scheme in (SCHEME, BiluoScheme([])):
        assert scheme.encode(rows(), n_tokens=0).tolist() == []
        assert scheme.encode(rows(), n_tokens=2).tolist() == [0, 0]
        for lengths in ([], [0, 0]):
            assert scheme.decode(np.zeros(0, dtype=np.int64), lengths).shape == (0, 3)
        assert scheme.decode(np.zeros(2, dtype=np.int64), [0, 2]).shape == (0, 3)


def test_a_label_that_is_appended_moves_no_tag() -> None:
    longer = BiluoScheme([*SCHEME.labels, "ORG"])
    assert longer.names[: SCHEME.n_tags] == SCHEME.names
    assert longer.n_tags == len(longer.names) == 13
    assert BiluoScheme([]).names == ("O",)


@st.composite
def draw_spans(draw: st.DrawFn) -> tuple[IntArray, list[int]]:
    """Entities side by side, in sequences, shuffled."""
    lengths = draw(st.lists(st.integers(0, 9), max_size=5))
    spans = []
    first = 0
    for length in lengths:
        borders = sorted(draw(st.sets(st.integers(first, first + length))))
        for start, end in itertools.pairwise(borders):
            if draw(st.booleans()):
                spans.append((start, end, draw(st.integers(0, 1))))
        first += length
    return rows(*draw(st.permutations(spans))), lengths


@given(draw_spans())
def test_decoding_undoes_encoding(case: tuple[IntArray, list[int]]) -> None:
    spans, lengths = case
    tags = SCHEME.encode(spans, n_tokens=sum(lengths))
    assert is_legal(tuple(tags.tolist()))
    assert SCHEME.decode(tags, lengths).tolist() == sorted(spans.tolist())


@given(st.lists(st.integers(0, 8), max_size=12))
def test_legal_tags_are_encoded_as_they_were(tags: list[int]) -> None:
    array = np.array(tags, dtype=np.int64)
    spans = SCHEME.decode(array, [len(tags)])
    again = SCHEME.encode(spans, n_tokens=len(tags))
    if is_legal(tuple(tags)):
        assert again.tolist() == tags
        assert spans.tolist() == [list(span) for span in list_entities(tuple(tags))]
    # What is dropped is dropped as a whole: nothing that was kept has changed.
    assert ((again == array) | (again == 0)).all()


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        ("I-PER L-PER", []),
        ("B-PER I-PER", []),
        ("B-PER", []),
        ("B-PER L-GPE", []),
        ("B-PER I-GPE L-PER", []),
        ("B-PER U-PER L-PER", [[1, 2, 0]]),
        ("B-PER B-PER L-PER", [[1, 3, 0]]),
        ("B-PER O L-PER U-GPE", [[3, 4, 1]]),
        ("U-PER L-PER", [[0, 1, 0]]),
        ("B-PER L-PER L-PER", [[0, 2, 0]]),
    ],
)
def test_what_is_not_legal_is_dropped(names: str, kept: list[list[int]]) -> None:
    tags = np.array([SCHEME.names.index(name) for name in names.split()])
    assert SCHEME.decode(tags, [len(tags)]).tolist() == kept


def test_no_entity_reaches_into_the_next_sequence() -> None:
    tags = SCHEME.encode(rows((0, 4, 0)), n_tokens=4)
    assert SCHEME.decode(tags, [4]).tolist() == [[0, 4, 0]]
    assert SCHEME.decode(tags, [2, 0, 2]).tolist() == []


def test_missing_tags_are_no_entities() -> None:
    assert SCHEME.decode(np.array([-1, 4, -1]), [3]).tolist() == [[1, 2, 0]]
    assert SCHEME.decode(np.array([1, -1, 3]), [3]).tolist() == []


def test_overlap_is_refused() -> None:
    with pytest.raises(DataError, match=r"\(0, 3\) and \(2, 4\)"):
        SCHEME.encode(rows((2, 4, 1), (0, 3, 0)), n_tokens=4)
    with pytest.raises(DataError, match="overlap"):
        SCHEME.encode(rows((0, 3, 1), (0, 3, 0)), n_tokens=4)


@pytest.mark.parametrize(
    "span", [(0, 0, 0), (2, 1, 0), (-1, 1, 0), (3, 5, 0), (0, 1, 2), (0, 1, -1)]
)
def test_spans_out_of_range_are_refused(span: tuple[int, int, int]) -> None:
    with pytest.raises(DataError, match=str(list(span)).replace("[", r"\[")):
        SCHEME.encode(rows((1, 2, 0), span), n_tokens=4)


@pytest.mark.parametrize("spans", [np.ones((2, 2), dtype=np.int64), np.ones((1, 3))])
def test_spans_of_another_shape_or_type_are_refused(spans: IntArray) -> None:
    with pytest.raises(DataError, match="start, end, label index"):
        SCHEME.encode(spans, n_tokens=4)


@pytest.mark.parametrize("labels", ["PER", ["A", "A"], ["A", 3]])
def test_labels_are_checked(labels: list[str]) -> None:
    with pytest.raises(SettingError, match="given once"):
        BiluoScheme(labels)


@pytest.mark.parametrize("lengths", [[1], [4, -1], [[3]], [1.5, 1.5], []])
def test_lengths_are_checked(lengths: list[int]) -> None:
    with pytest.raises(SettingError, match="add up to 3 tokens"):
        SCHEME.decode(np.zeros(3, dtype=np.int64), lengths)


def test_a_missing_tag_may_be_any() -> None:
    allowed = tags_allowed(torch.tensor([0, -1, 4]), n_tags=5)
    assert allowed.int().tolist() == [[1, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 1]]
    assert tags_allowed(torch.zeros(0, dtype=torch.long), n_tags=5).shape == (0, 5)


@given(st.lists(st.lists(st.integers(0, 8), max_size=6), max_size=5))
def test_legal_sequences_are_those_of_whole_entities(sequences: list[list[int]]) -> None:
    counts = np.array([len(tags) for tags in sequences], dtype=np.int64)
    flat = np.array([tag for tags in sequences for tag in tags], dtype=np.int64)
    assert find_legal(flat, counts).tolist() == [is_legal(tags) for tags in sequences]
