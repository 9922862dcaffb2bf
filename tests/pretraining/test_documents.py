"""Readers of plain text."""

import json
from pathlib import Path

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin

from spacy_bert_plugin.errors import DataError, SettingError
from spacy_bert_plugin.pretraining import TextCorpus, build_text_corpus_v1, documents
from spacy_bert_plugin.pretraining.sentences import LineSplitter

TEXT = "\ufeffPlay some music.\nIt was good. A long\nnight.\r\n\r\n\nRain in London.\nNew line\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text(TEXT, encoding="utf8", newline="")
    return path


def read(path: object, **settings: object) -> list[list[str]]:
    found: dict[int, list[str]] = {}
    for passage in TextCorpus(path, **settings)():  # type: ignore[arg-type]
        found.setdefault(passage.document, []).extend(passage.sentences)
    return list(found.values())


def test_a_file_is_a_document_with_spacys_sentences(file: Path) -> None:
    expected = ["Play some music.", "It was good.", "A long night.", "Rain in London.", "New line"]
    assert read(file) == [expected]


def test_documents_between_blank_lines(file: Path) -> None:
    lines = [["Play some music.", "It was good. A long", "night."], ["Rain in London.", "New line"]]
    assert read(file, documents="blank", sentences="lines") == lines
    joined = [[" ".join(part)] for part in lines]
    assert read(file, documents="blank", sentences="none") == joined


def test_each_line_a_document(file: Path) -> None:
    found = read(file, documents="lines")
    assert len(found) == 5
    assert found[1] == ["It was good.", "A long"]


def test_jsonl_keeps_paragraphs(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"text": "One two.\n\nThree."}, {"text": "  "}, {"text": "Four."}]
    path.write_text("\n\n".join(map(json.dumps, rows)), encoding="utf8")
    assert read(path) == [["One two.", "Three."], ["Four."]]


def test_docs_keep_their_sentences(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    docs = [nlp("play music now please"), nlp("hello. world.")]
    docs[0][2].is_sent_start = True
    for place in (1, 3):
        docs[0][place].is_sent_start = False
    DocBin(docs=docs).to_disk(tmp_path / "a.spacy")
    assert read(tmp_path) == [["play music", "now please"], ["hello.", "world."]]
    assert read(tmp_path, sentences="none") == [["play music now please"], ["hello. world."]]


def test_a_folder_is_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.txt", "a.txt", "sub/c.txt", "README.md", ".hidden.txt"):
        (tmp_path / name).write_text(name, encoding="utf8")
    found = read(tmp_path, sentences="lines")
    assert found == [["a.txt"], ["b.txt"], ["sub/c.txt"]]
    assert read([tmp_path / "b.txt", tmp_path / "a.txt"], sentences="lines") == found[1::-1]


def test_long_documents_come_in_passages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_SENTENCES", 4)
    path = tmp_path / "a.txt"
    path.write_text("\n".join(f"s{n}" for n in range(10)), encoding="utf8")
    passages = list(TextCorpus(path, sentences="lines")())
    assert [len(passage.sentences) for passage in passages] == [4, 4, 2]
    assert {passage.document for passage in passages} == {0}
    assert len(list(TextCorpus(path, sentences="lines", limit=2)())) == 2


def test_long_paragraphs_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_bert_plugin.pretraining.sentences.MAX_CHARACTERS", 10)
    path = tmp_path / "a.txt"
    path.write_text("wordsandmorewords and words " * 5, encoding="utf8")
    joined = "".join("".join(sentence) for sentence in read(path)[0])
    assert joined.replace(" ", "") == "wordsandmorewordsandwords" * 5


@settings(max_examples=20)
@given(st.lists(st.text(alphabet="ab \n.", max_size=12), max_size=6))
def test_no_word_is_lost(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    path = tmp_path_factory.mktemp("texts") / "a.txt"
    text = "\n\n".join(parts)
    path.write_text(text, encoding="utf8", newline="")
    if not text.strip():
        with pytest.raises(DataError, match="holds no text"):
            read(path)
        return
    for kinds in (
        {"documents": "blank", "sentences": "lines"},
        {},
        {"documents": "lines", "sentences": "lines"},
    ):
        found = [sentence for document in read(path, **kinds) for sentence in document]
        assert "".join("".join(found).split()) == "".join(text.split())
        assert all(sentence.strip() for sentence in found)


def test_undecodable_bytes_name_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"fine\nalso fine\nM\xfcnchen\n")
    with pytest.raises(DataError, match=r"latin\.txt, line 3: .*byte 1"):
        read(path, sentences="lines")


@pytest.mark.parametrize(
    "row", ["no json", "[1]", '{"txt": "a"}', '{"text": 3}', '{"text": "\\ud800"}']
)
def test_bad_rows_name_file_and_line(tmp_path: Path, row: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "fine"}\n' + row, encoding="utf8")
    with pytest.raises(DataError, match=r"a\.jsonl, line 2: .*'text'"):
        read(path, sentences="lines")


def test_other_bad_input(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file or folder"):
        read(tmp_path / "none.txt")
    (tmp_path / "empty.txt").write_text("\n \n", encoding="utf8")
    with pytest.raises(DataError, match="holds no text"):
        read(tmp_path)
    (tmp_path / "bad.spacy").write_bytes(b"no DocBin")
    with pytest.raises(DataError, match=r"bad\.spacy.*DocBin"):
        read(tmp_path / "bad.spacy")
    with pytest.raises(SettingError, match="'path' is not set"):
        build_text_corpus_v1()
    for name in ("documents", "sentences"):
        with pytest.raises(SettingError, match=name):
            build_text_corpus_v1(tmp_path, **{name: "words"})


def test_lines_inside_of_a_text_are_sentences() -> None:
    assert list(LineSplitter().split(["a\nb", "c"])) == ["a", "b", "c"]
