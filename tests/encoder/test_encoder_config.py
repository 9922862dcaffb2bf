"""Sizes are checked when a config is made."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_bert_plugin.encoder import BertEncoder, EncoderConfig
from spacy_bert_plugin.encoder.config import SIZES
from spacy_bert_plugin.errors import SettingError

BASE = EncoderConfig(
    vocab_size=30,
    width=8,
    n_layers=1,
    n_heads=2,
    hidden_width=12,
    n_positions=10,
    n_segments=2,
    embedding_width=8,
)
ODD: list[Any] = [-1, 10**12, 2.0, "8", True, None, float("nan")]
BAD = [
    *[(name, value) for name in SIZES for value in ODD],
    ("activation", "exec"),
    ("activation", None),
    ("layer_norm_eps", 0.0),
    ("layer_norm_eps", -1.0),
    ("layer_norm_eps", float("nan")),
    ("dropout", 1.0),
    ("dropout", -0.1),
    ("attention_dropout", "0.1"),
    ("initializer_range", float("inf")),
    ("initializer_range", 10**400),
    ("use_pooler", "yes"),
    ("use_pooler", 1),
    ("n_heads", 3),
    ("position_offset", 10),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_bad_values_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(SettingError) as caught:
        replace(BASE, **{name: value})
    word = {"n_heads": "heads", "position_offset": "offset"}.get(name, name)
    assert word in str(caught.value)


def test_sizes_that_no_machine_holds_are_refused() -> None:
    with pytest.raises(SettingError, match="parameters; at most"):
        replace(BASE, vocab_size=10_000_000, embedding_width=65_536)


@given(st.integers() | st.floats() | st.text() | st.none() | st.booleans())
def test_width_is_a_possible_number_or_refused(value: Any) -> None:
    try:
        config = replace(BASE, width=value)
    except SettingError:
        assert type(value) is not int or value % 2 or not 0 < value <= SIZES["width"][1]
    else:
        assert config.width == value


def test_longest_window_leaves_the_offset_out() -> None:
    assert BASE.max_pieces == 10
    assert replace(BASE, position_offset=2).max_pieces == 8


@pytest.mark.parametrize("changes", [{}, {"embedding_width": 4}, {"use_pooler": True}])
def test_parameters_are_counted(changes: dict[str, Any]) -> None:
    config = replace(BASE, **changes)
    encoder = BertEncoder(config)
    found = sum(p.numel() for p in encoder.parameters() if p.dim() > 1)
    assert found == config.n_parameters


def test_random_weights_have_the_asked_spread() -> None:
    config = replace(BASE, vocab_size=3000, width=64, embedding_width=64, initializer_range=0.3)
    encoder = BertEncoder(config)
    assert abs(float(encoder.embeddings.pieces.weight.detach().std()) - 0.3) < 0.01
    assert abs(float(encoder.layers[0].attention.query.weight.detach().std()) - 0.3) < 0.02
    assert not encoder.layers[0].up.bias.any()
    assert bool((encoder.embeddings.norm.weight == 1).all())
