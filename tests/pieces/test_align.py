"""Tokens to pieces by character offsets."""

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_bert_plugin.pieces import (
    Alignment,
    PieceTokenizer,
    TextPieces,
    align_tokens,
    expand_runs,
)
from tests.conftest import MAKERS

NLP = spacy.blank("xx")
TOKENIZERS = {kind: PieceTokenizer.from_json(make().to_str()) for kind, make in MAKERS.items()}


def align(texts: list[str], kind: str = "wordpiece") -> tuple[Alignment, list[TextPieces]]:
    pieces = TOKENIZERS[kind].encode(texts)
    docs = list(NLP.pipe(texts))
    starts = [np.array([t.idx for t in doc], dtype=np.int64) for doc in docs]
    ends = [np.array([t.idx + len(t) for t in doc], dtype=np.int64) for doc in docs]
    return align_tokens(pieces, starts, ends), pieces


def brute_force(text: str, pieces: TextPieces) -> list[list[int]]:
    """Pieces that share a character with each token, one comparison at a time."""
    return [
        [
            number
            for number, (start, end) in enumerate(pieces.offsets.tolist())
            if start < token.idx + len(token) and end > token.idx
        ]
        for token in NLP(text)
    ]


def list_runs(alignment: Alignment) -> list[list[int]]:
    runs = zip(alignment.firsts.tolist(), alignment.counts.tolist(), strict=True)
    return [list(range(first, first + count)) for first, count in runs]


def test_no_docs() -> None:
    alignment = align_tokens([], [], [])
    assert len(alignment.firsts) == len(alignment.doc_tokens) == 0


def test_worked_example() -> None:
    alignment, pieces = align(["the playing, York"])
    names = [TOKENIZERS["wordpiece"].name_piece(i) for i in pieces[0].ids.tolist()]
    assert names == ["the", "play", "##i", "##n", "##g", ",", "york"]
    assert list_runs(alignment) == [[0], [1, 2, 3, 4], [5], [6]]


def test_pieces_are_numbered_through_the_batch() -> None:
    alignment, _ = align(["the house", "", "  ", "in paris"])
    assert list_runs(alignment) == [[0], [1], [], [2], [3]]
    assert alignment.doc_tokens.tolist() == [2, 0, 1, 2]
    assert alignment.doc_pieces.tolist() == [2, 0, 0, 2]


@pytest.mark.parametrize("text", [" ", "\n", "\t\t\r\n", "\u00a0", "\u2009", "\u3000", "\u200b",
                                  "\ufeff", "\u2060", "\u00ad", "\ufe0f"])  # fmt: skip
def test_tokens_without_pieces_have_empty_runs(text: str) -> None:
    alignment, pieces = align([f"the {text} house"])
    assert alignment.counts.sum() >= 2
    assert (alignment.counts == 0).sum() >= (len(pieces[0]) == 2)


@pytest.mark.parametrize("kind", list(MAKERS))
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4))
@settings(max_examples=80, deadline=None)
def test_every_token_gets_the_pieces_that_overlap_it(kind: str, texts: list[str]) -> None:
    alignment, pieces = align(texts, kind)
    expected, before = [], 0
    for text, found in zip(texts, pieces, strict=True):
        expected += [[before + n for n in run] for run in brute_force(text, found)]
        before += len(found)
    assert list_runs(alignment) == expected


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5))))
def test_expand_runs_writes_out_ranges(runs: list[tuple[int, int]]) -> None:
    firsts = np.array([first for first, _ in runs], dtype=np.int64)
    counts = np.array([count for _, count in runs], dtype=np.int64)
    expected = [n for first, count in runs for n in range(first, first + count)]
    assert expand_runs(firsts, counts).tolist() == expected
