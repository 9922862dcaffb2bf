from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from spacy.tokens import Doc, DocBin

from spacy_bert_plugin.training.formats import write_docs


def list_files(path: Path) -> list[str]:
    return sorted(p.name for p in path.rglob("*") if p.is_file())


def test_docs_come_back(nlp: Any, tmp_path: Path) -> None:
    doc = nlp("a b")
    doc.cats = {"x": 1.0}
    doc.set_ents([doc.char_span(0, 1, label="X")])
    doc.spans["sc"] = [doc.char_span(0, 3, label="Y")]
    write_docs({tmp_path / "new" / "a.spacy": [doc], tmp_path / "b.spacy": []})
    (back,) = DocBin().from_disk(tmp_path / "new" / "a.spacy").get_docs(nlp.vocab)
    assert back.to_json() == doc.to_json()
    assert list(DocBin().from_disk(tmp_path / "b.spacy").get_docs(nlp.vocab)) == []
    assert list_files(tmp_path) == ["a.spacy", "b.spacy"]


def test_an_error_leaves_the_old_files(nlp: Any, tmp_path: Path) -> None:
    def fail() -> Iterator[Doc]:
        yield nlp("a")
        raise OSError("disk full")

    old = tmp_path / "a.spacy"
    old.write_bytes(b"old")
    with pytest.raises(OSError, match="disk full"):
        write_docs({old: [nlp("new")], tmp_path / "b.spacy": fail()})
    assert old.read_bytes() == b"old"
    assert list_files(tmp_path) == ["a.spacy"]
