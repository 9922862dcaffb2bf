"""Whatever a file holds: records, or an error that names the file."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from spacy_bert_plugin.errors import DataError
from spacy_bert_plugin.training.formats import (
    FormatOptions,
    build_docs,
    find_categories,
    read_records,
)

CELLS = st.text(st.sampled_from('aO#,;"\t \r\n\u2028\u00a0\ud7ff-_B:=1{}[]\\u\x00東'), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "spans", "label", "start", "end"]), inner)
    ),
    max_leaves=12,
)


def check(path: Path, nlp: Any, name: str) -> None:
    options = FormatOptions(format=name, task="auto")
    try:
        records = read_records(path, options)
        categories = find_categories(records, options)
        docs, summary = build_docs(nlp, records, options=options, categories=categories)
    except DataError as error:
        message = str(error)
    else:
        message = path.name
        assert summary.n_docs == len(docs) == len(records) - summary.n_empty
        assert sum(len(doc.ents) for doc in docs) == summary.n_spans
    assert path.name in message


@pytest.mark.parametrize("name", ["conll", "jsonl", "csv", "tsv", "auto"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=CELLS)
@example(text="\u00a0\tB-X\na\u00a0\tI-X\n")
@example(text='"')
def test_any_text(text: str, name: str, nlp: Any, tmp_path: Path) -> None:
    path = tmp_path / "file.x"
    path.write_bytes(text.encode("utf-8"))
    check(path, nlp, name)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=JSON)
def test_any_json(row: Any, nlp: Any, tmp_path: Path) -> None:

    path = tmp_path / "file.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")
    check(path, nlp, "jsonl")


@given(data=st.binary(max_size=60))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes(data: bytes, nlp: Any, tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(data)
    check(path, nlp, "auto")
