"""JSON that nobody vouches for."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_bert_plugin.checkpoints.json_text import parse_json
from spacy_bert_plugin.errors import CheckpointError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_reads_what_json_writes(data: dict[str, object]) -> None:
    assert parse_json(json.dumps(data), source="x.json") == data


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "x.json"),
        ("{", "x.json"),
        ("[]", "list"),
        ("1", "int"),
        ('{"a": 1, "a": 2}', "twice"),
        ('{"b": {"a": 1, "a": 1}}', "twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        ('{"a": 1e999}', "out of range"),
        ('{"a": ' + "9" * 5000 + "}", "digits"),
        ('{"a": ' + "[" * 100_000, "nested"),
        ('{"a": 1} b', "x.json"),
        ("\ufeff{}", "x.json"),
    ],
)
def test_refuses_the_rest_and_names_the_file(text: str, problem: str) -> None:
    with pytest.raises(CheckpointError, match=problem) as raised:
        parse_json(text, source="x.json")
    assert "x.json" in str(raised.value)


def test_many_keys_take_linear_time() -> None:
    text = json.dumps({str(i): i for i in range(50_000)})[:-1] + ', "49999": 1}'
    started = time.perf_counter()
    with pytest.raises(CheckpointError, match="twice"):
        parse_json(text, source="x.json")
    assert time.perf_counter() - started < 2
