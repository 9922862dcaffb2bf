from collections.abc import Callable

import pytest

from spacy_bert_plugin.errors import DataError
from spacy_bert_plugin.training.formats import Record

ReadT = Callable[..., list[Record]]
CutT = Callable[[Record], list[tuple[str, str]]]

UNER = """# newdoc id = d
# sent_id = d-1
# text = Who is Ada  Lovelace?
1\tWho\tO\t-\t-
2\tis\tO\t-\t-
3\tAda\tB-PER\t-\tstephen
4\tLovelace\tI-PER\t-\tstephen
5\t?\tO\t-\t-

# text = 东京都在日本。
1\t东京都\tB-LOC\t-\tx
2\t在\tO\t-\t-
3\t日本\tB-LOC\t-\tx
4\t。\tO\t-\t-
"""


def test_raw_text_gives_the_spaces(read: ReadT, cut: CutT) -> None:
    first, second = read(UNER)
    assert first.text == "Who is Ada Lovelace?"
    assert first.spaces == (True, True, True, False, False)
    assert cut(first) == [("Ada Lovelace", "PER")]
    assert second.text == "东京都在日本。"
    assert cut(second) == [("东京都", "LOC"), ("日本", "LOC")]
    assert (first.line, second.line) == (4, 11)


def test_two_columns_and_blank_lines_with_tabs(read: ReadT, cut: CutT) -> None:
    records = read("a\tO\n\t\nb\tB-X,B-Y\n\n\n\nc\tI-X\n")
    assert [record.words for record in records] == [("a",), ("b",), ("c",)]
    assert [cut(record) for record in records] == [[], [("b", "X")], [("c", "X")]]
    assert records[0].spaces is None


def test_hash_marks_are_words_where_they_have_a_tag(read: ReadT) -> None:
    text = "#\tO\n#tag\tB-X\n# a note\n# key = value\tO\n#\n"
    assert [record.words for record in read(text)] == [("#", "#tag")]
    spaced = "# id = 1\nx B-X\n# O\n# a note\n"
    assert [record.words for record in read(spaced)] == [("x", "#")]


def test_conll_2003(read: ReadT, cut: CutT) -> None:
    text = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n"
    (record,) = read(text)
    assert record.words == ("EU", "rejects")
    assert cut(record) == [("EU", "ORG")]
    (chunked,) = read(text, tag_column=3)
    assert cut(chunked) == [("EU", "NP"), ("rejects", "VP")]
    (last,) = read(text, tag_column=-2, word_column=2)
    assert cut(last) == [("NNP", "NP"), ("VBZ", "VP")]


def test_ranges_and_empty_nodes_of_conllu_are_left_out(read: ReadT) -> None:
    text = "1-2\tdel\tO\tx\n1\tde\tO\tx\n2\tel\tB-X\tx\n2.1\tnada\tO\tx\n"
    assert read(text)[0].words == ("de", "el")


def test_words_without_spaces(read: ReadT) -> None:
    (record,) = read("东京\tB-LOC\n都\tO\n", no_spaces=True)
    assert record.text == "东京都"
    assert record.spaces == (False, False)


def test_gold_tokens_ignore_the_raw_text(read: ReadT) -> None:
    assert read(UNER, gold_tokens=True)[0].spaces is None


def test_raw_text_of_other_words(read: ReadT) -> None:
    text = "# text = something else\na\tO\nb\tB-X\n"
    (record,) = read(text)
    assert record.spaces is None
    assert record.is_text_unmatched
    with pytest.raises(DataError, match=r"data\.conll, line 2: the words"):
        read(text, align="strict")


def test_windows_line_ends(read: ReadT) -> None:
    assert read("a\tO\r\nb\tB-X\r\n\r\nc\tO\r\n")[0].words == ("a", "b")


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("a\tO\nb\tO\textra\n", {}, r"data.conll, line 2: expected 2 columns as in line 1, .* 3"),
        ("a\tO\n\nb\n", {}, r"line 3: expected 2 columns as in line 1, but got 1"),
        ("a\tO\n" * 20 + "b\tB_PER\n", {}, r"line 21: expected a tag .* got 'B_PER'"),
        ("a\tO\n\tO\n", {}, r"line 2: expected a word in column 1"),
        ("a\tb\nc\td\n", {}, r"expected a column of tags .* among 2 columns"),
        ("a\tO\n", {"tag_column": 7}, r"expected a column of tags"),
    ],
)
def test_bad_rows_are_named(read: ReadT, text: str, settings: dict[str, int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(text, **settings)


@pytest.mark.parametrize("text", ["", "\n\n", "# only = comments\n", "-DOCSTART- O\n"])
def test_nothing_to_read(read: ReadT, text: str) -> None:
    with pytest.raises(DataError, match="has none"):
        read(text)
