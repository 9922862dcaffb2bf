"""Outputs of two pipelines side by side."""

from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc

from spacy_bert_plugin.cli.measure.agreement import Agreement, compare_outputs
from spacy_bert_plugin.cli.measure.outputs import (
    Outputs,
    TextOutput,
    collect_outputs,
    read_outputs,
    stack_vectors,
    write_outputs,
)

PER, LOC = [0, 2, "PER"], [3, 5, "LOC"]


def make_docs() -> list[Doc]:
    nlp = spacy.blank("en")
    docs = [nlp("Ann saw Rome"), nlp("")]
    docs[0].ents = [docs[0].char_span(8, 12, "LOC")]
    docs[0][1].tag_ = "VBD"
    docs[0].cats = {"A": 0.75, "B": 0.25}
    docs[0].tensor = np.ones((3, 2), dtype="float32")
    return docs


def test_collected_outputs_come_back_from_a_file(tmp_path: Path) -> None:
    outputs = collect_outputs(make_docs(), assigns=["doc.ents"])
    assert outputs.texts[0].entities == [[8, 12, "LOC"]]
    assert outputs.texts[0].tags == [[4, 7, "VBD"]]
    assert outputs.texts[1] == TextOutput()
    path = tmp_path / "outputs.json"
    write_outputs(outputs, path)
    again = read_outputs(path)
    assert (again.texts, again.assigns) == (outputs.texts, ("doc.ents",))
    assert again.vectors is not None
    np.testing.assert_array_equal(again.vectors, [[1.0, 1.0], [0.0, 0.0]])


def test_nothing_collected(tmp_path: Path) -> None:
    outputs = collect_outputs([])
    write_outputs(outputs, tmp_path / "outputs.json")
    assert read_outputs(tmp_path / "outputs.json") == outputs == Outputs([])
    assert compare_outputs(outputs, outputs) == Agreement()
    assert stack_vectors([None, None]) is None


def test_the_same_outputs_agree() -> None:
    outputs = collect_outputs(make_docs())
    found = compare_outputs(outputs, outputs)
    assert (found.entities_f, found.cats_same, found.cats_difference) == (1.0, 1.0, 0.0)
    assert found.tags_same == 1.0
    assert found.cosine == pytest.approx(1.0, abs=1e-12)


def test_what_differs_counts() -> None:
    one = Outputs(
        [
            TextOutput([PER, LOC], [[0, 1, "X"], [2, 3, "Y"]], {"A": 0.9, "B": 0.1}),
            TextOutput([], [], {"A": 0.2, "B": 0.8}),
        ],
        np.array([[1, 0], [1, 1]], dtype="float32"),
    )
    other = Outputs(
        [
            TextOutput([PER], [[0, 1, "X"], [2, 3, "Z"]], {"A": 0.6, "B": 0.4, "C": 1.0}),
            TextOutput([PER], [], {"A": 0.7, "B": 0.3}),
        ],
        np.array([[0, 1], [2, 2]], dtype="float32"),
    )
    found = compare_outputs(one, other)
    assert found.entities_f == pytest.approx(2 * 1 / 4)  # the second PER is in another text
    assert found.tags_same == 0.5
    assert found.cats_same == 0.0
    assert found.cats_difference == pytest.approx(0.5)
    assert found.cosine == pytest.approx(0.5)
    assert found.to_json()["entities_f"] == 0.5


def test_none_found_is_another_case_than_none_looked_for() -> None:
    some = Outputs([TextOutput([PER])])
    assert compare_outputs(some, Outputs([TextOutput()])).entities_f is None
    assert compare_outputs(some, Outputs([TextOutput()], None, ("doc.ents",))).entities_f == 0.0
    both = Outputs([TextOutput()], None, ("doc.ents",))
    assert compare_outputs(both, both).entities_f == 1.0


def test_equal_probabilities_are_the_same_label() -> None:
    one = Outputs([TextOutput(cats={"A": 0.5, "B": 0.5})])
    other = Outputs([TextOutput(cats={"B": 0.5, "A": 0.5})])
    assert compare_outputs(one, other).cats_same == 1.0


def test_vectors_of_other_widths_and_zeros_have_no_cosine() -> None:
    one = Outputs([TextOutput()], np.ones((1, 2), dtype="float32"))
    assert compare_outputs(one, Outputs([TextOutput()], np.ones((1, 3), "float32"))).cosine is None
    assert compare_outputs(one, Outputs([TextOutput()], np.zeros((1, 2), "float32"))).cosine is None
