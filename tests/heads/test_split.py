"""Long sequences cut at tokens that are surely O."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.heads import BiluoScheme, best_tags, split_long

SCHEME = BiluoScheme(["A"])


def make_emissions(spans: list[tuple[int, int]], n_tokens: int) -> torch.Tensor:
    rows = np.array([(start, end, 0) for start, end in spans], dtype=np.int64).reshape(-1, 3)
    tags = torch.from_numpy(SCHEME.encode(rows, n_tokens=n_tokens))
    return 12 * torch.nn.functional.one_hot(tags, SCHEME.n_tags).float()


def test_nothing() -> None:
    assert split_long(torch.zeros(0, 5), []).tolist() == []
    assert split_long(torch.zeros(0, 5), [0, 0]).tolist() == [0, 0]


def test_short_sequences_stay() -> None:
    assert split_long(torch.randn(7, 5), [3, 0, 4], longest=4).tolist() == [3, 0, 4]


def test_a_cut_lies_at_the_last_sure_token() -> None:
    emissions = make_emissions([(7, 12)], 20)
    assert split_long(emissions, [20], longest=10).tolist() == [7, 10, 3]
    assert split_long(make_emissions([], 20), [20], longest=10).tolist() == [10, 10]


def test_entities_are_the_same_in_parts() -> None:
    spans = [(3, 5), (9, 14), (20, 21), (28, 33)]
    emissions = make_emissions(spans, 40)
    lengths = split_long(emissions, [38, 2], longest=12)
    assert len(lengths) > 4
    whole, parts = best_tags(emissions, [38, 2]), best_tags(emissions, lengths)
    assert whole.tolist() == parts.tolist()
    assert [tuple(row[:2]) for row in SCHEME.decode(parts.numpy(), lengths)] == spans


@given(st.lists(st.integers(0, 40), max_size=4), st.integers(1, 12), st.integers(0, 99))
def test_parts_make_up_their_sequences(lengths: list[int], longest: int, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    emissions = torch.randn(sum(lengths), 5, generator=random)
    parts = split_long(emissions, lengths, longest=longest)
    assert parts.max(initial=0) <= longest
    ends = {0, *np.cumsum(parts).tolist()}
    assert ends >= set(np.cumsum(lengths).tolist())
    # Bounded below too: only the last part of a sequence is shorter than half of the limit.
    assert len(parts) <= sum(length // (longest // 2 + 1) + 1 for length in lengths)


def test_scores_that_are_no_numbers_are_cut_too() -> None:
    assert split_long(torch.full((9, 5), torch.nan), [9], longest=4).max() <= 4


def test_the_limit_is_checked() -> None:
    with pytest.raises(SettingError, match="longest"):
        split_long(torch.zeros(3, 5), [3], longest=0)
