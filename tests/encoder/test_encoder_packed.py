"""A packed input is checked when it is made."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.encoder import PackedInput, pack
from spacy_bert_plugin.errors import SettingError

IDS = torch.tensor([101, 7, 8, 102, 101, 9, 102])


@given(st.lists(st.lists(st.integers(0, 99), max_size=9), max_size=9))
def test_unpacking_gives_the_windows_back(windows: list[list[int]]) -> None:
    packed = pack(windows)
    parts = packed.ids.split(list(packed.lengths)) if windows else []
    assert [part.tolist() for part in parts] == windows
    positions = packed.positions.split(list(packed.lengths)) if windows else []
    assert [part.tolist() for part in positions] == [list(range(len(w))) for w in windows]
    assert not packed.segments.any()
    assert packed.n_windows == len(windows)
    assert packed.n_pieces == sum(map(len, windows))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ids", IDS.int(), "int64"),
        ("ids", IDS[None], "shape"),
        ("positions", IDS[:3], "shape"),
        ("segments", IDS.float(), "int64"),
        ("lengths", (4, 2), "2 windows of 6 pieces"),
        ("lengths", (8, -1), "2 windows of 7 pieces"),
        ("lengths", (), "0 windows"),
    ],
)
def test_parts_that_do_not_fit_are_refused(name: str, value: Any, message: str) -> None:
    parts = {"ids": IDS, "positions": IDS, "segments": IDS, "lengths": (4, 3)}
    PackedInput(**parts)
    with pytest.raises(SettingError, match=message):
        PackedInput(**{**parts, name: value})


def test_moving_keeps_lengths() -> None:
    packed = PackedInput(IDS, IDS, IDS, (4, 3)).to("meta")
    assert packed.ids.device.type == "meta"
    assert packed.lengths == (4, 3)
