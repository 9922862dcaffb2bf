"""Texts to pretrain on: chapters, articles and sentences, and which of them are held out."""

import json
from pathlib import Path

import make_chinese_texts
import make_english_texts
import prepare_gutenberg_en
import prepare_zh_modern_text
import pytest
from documents import hold_out, write_split

NOVEL = """A BOOK

CHAPTER I
 Page 1

CHAPTER I

It _was_ a {0} night.

     *     *     *

It rained.


Chapter 2. In which it ends

Chapter 2 of the book
was {0}.
"""
ARTICLES = """
 = Some <unk> =

 The " big " lobster ( Homarus ) , a 1 @.@ 5 @-@ kg <unk> , costs $ 5 .

 = = Life = =

 = Not a title
 It isn 't old .

 = Other =

 Text .
"""


def read_texts(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text(encoding="utf8").splitlines()]


def test_chapters(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_text(NOVEL.format("very " * 300), encoding="utf8")
    first, second = make_english_texts.read_chapters(path)
    assert first.startswith("It was a very very")
    # The table of contents is no chapter, and the row of stars is gone.
    assert first.endswith("night.\n\nIt rained.")
    # A line that only begins like a heading is text.
    assert second.startswith("Chapter 2 of the book\nwas very")


@pytest.mark.parametrize("heading", ["Letter 4", "VII. THE ADVENTURE OF THE KEY", "Epilogue"])
def test_headings(heading: str) -> None:
    assert make_english_texts.HEADING.fullmatch(heading)


@pytest.mark.parametrize("line", ["I. But it is a common name", "Chapters", "VII. The Adventure"])
def test_lines_that_are_no_headings(line: str) -> None:
    assert not make_english_texts.HEADING.fullmatch(line)


def test_articles(tmp_path: Path) -> None:
    path = tmp_path / "wiki.txt"
    path.write_text(ARTICLES, encoding="utf8")
    assert list(make_english_texts.read_articles(path)) == [
        'The "big" lobster (Homarus), a 1.5-kg, costs $5.\n\nIt isn\'t old.',
        "Text.",
    ]
    path.write_text("", encoding="utf8")
    assert list(make_english_texts.read_articles(path)) == []


def test_whole_documents_are_held_out() -> None:
    documents = [f"text {i}" for i in range(50)]
    train, dev = hold_out(documents, seed=1)
    assert (len(train), len(dev)) == (46, 4)
    assert sorted(train + dev) == sorted(documents)
    assert hold_out(documents, seed=1) == (train, dev)
    assert hold_out(documents, seed=2) != (train, dev)
    assert [len(part) for part in hold_out(documents[:2], seed=0)] == [1, 1]
    assert hold_out(documents[:1], seed=0) == (documents[:1], [])
    assert hold_out([], seed=0) == ([], [])


def test_every_source_has_its_share(tmp_path: Path) -> None:
    sources = [[f"{name} {i}" for i in range(3)] for name in ("book", "article")]
    assert write_split(sources, tmp_path / "texts", seed=0) == {"train": 4, "dev": 2}
    assert {text.split()[0] for text in read_texts(tmp_path / "texts" / "dev.jsonl")} == {
        "book",
        "article",
    }


def test_english_texts(tmp_path: Path) -> None:
    for name, text in (("books", NOVEL.format("very " * 300)), ("wiki", ARTICLES)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.txt").write_text(text, encoding="utf8")
    make_english_texts.main(tmp_path / "books", tmp_path / "wiki", tmp_path / "out", seed=0)
    assert len(read_texts(tmp_path / "out" / "train.jsonl")) == 2
    assert len(read_texts(tmp_path / "out" / "dev.jsonl")) == 2


def test_no_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        make_english_texts.main(tmp_path, tmp_path, tmp_path / "out", seed=0)
    with pytest.raises(SystemExit):
        make_chinese_texts.main(tmp_path, tmp_path, tmp_path / "out", seed=0)
    assert capsys.readouterr().out.count("Run the data steps") == 2


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("他来了。她走了！真的吗？", ["他来了。", "她走了！", "真的吗？"]),
        ("他说:“走吧。”她走了。", ["他说:“走吧。”她走了。"]),
        ("全长3.5公里.用v1.2版.结论好", ["全长3.5公里.", "用v1.2版.", "结论好"]),
        ("", []),
    ],
)
def test_chinese_sentences(text: str, sentences: list[str]) -> None:
    assert make_chinese_texts.split_sentences(text) == sentences


def test_what_is_scored_is_left_out() -> None:
    held_out = ["张三住在北京的东城。", "短。"]
    documents = [
        "张三 住在北京的东城。",
        "他写道：张三住在北京的东城。后来搬走。",
        "短。",
        "很短。",
    ]
    assert make_chinese_texts.leave_out(documents, held_out) == ["很短。"]
    assert make_chinese_texts.leave_out([], held_out) == []


def test_chinese_texts(tmp_path: Path) -> None:
    texts, entities = tmp_path / "texts", tmp_path / "entities"
    texts.mkdir()
    entities.mkdir()
    lines = "".join(f"第{i}句话在这里。第二句话。\n" for i in range(4))
    (texts / "a.txt").write_text(lines + "上海是一个大城市。\n", encoding="utf8")
    (entities / "zh-dev.iob2").write_text("# text = 上海是一个大城市。\n1\t上海\tB-LOC\n", "utf8")
    make_chinese_texts.main(texts, entities, tmp_path / "out", seed=0)
    made = [
        text for part in ("train", "dev") for text in read_texts(tmp_path / f"out/{part}.jsonl")
    ]
    assert sorted(made) == [f"第{i}句话在这里。\n第二句话。" for i in range(4)]


def test_a_book_is_taken_out_of_its_file() -> None:
    around = (
        "The Project Gutenberg EBook\r\n\r\n*** START OF THIS PROJECT GUTENBERG EBOOK ***\r\n\r\n"
        "Produced by two\r\npeople\r\n\r\nA TITLE\r\n\r\n\r\nText.\r\n\r\n\r\n"
        "End of the Project Gutenberg EBook\r\n\r\n*** END OF THIS PROJECT ***\r\nA licence\r\n"
    )
    assert prepare_gutenberg_en.extract_book(around) == "A TITLE\n\n\nText.\n"
    assert prepare_gutenberg_en.extract_book("Text.") == "Text.\n"


def test_books_in_both_encodings(tmp_path: Path) -> None:
    for number in prepare_gutenberg_en.BOOKS:
        encoding = "latin-1" if number == "84" else "utf8"
        (tmp_path / f"{number}.txt").write_text(f"café {number}", encoding=encoding)
    prepare_gutenberg_en.prepare(tmp_path, tmp_path)
    made = (tmp_path / "frankenstein.txt").read_text(encoding="utf8")
    assert made == "café 84\n"
    assert (tmp_path / "dracula.txt").read_text(encoding="utf8") == "café 345\n"


def test_chinese_sources_are_gathered(tmp_path: Path) -> None:
    for part in ("dev", "trial"):
        data = {"data": [{"paragraphs": [{"context": f"{part}\n一"}]}]}
        (tmp_path / f"cmrc2018_{part}.json").write_text(json.dumps(data), encoding="utf8")
    for part in ("dev", "test"):
        (tmp_path / f"{part}.tsv").write_text(f"to title\t{part}二\t题\n", encoding="utf8")
    for part in ("train", "dev", "test"):
        text = f"# sent_id = 1\n# text = {part}三\n1\t三\tO\t-\t-\n"
        (tmp_path / f"zh_gsdsimp-ud-{part}.iob2").write_text(text, encoding="utf8")
    prepare_zh_modern_text.prepare(tmp_path, tmp_path)
    for name, text in (
        ("cmrc2018_contexts", "dev 一\ntrial 一\n"),
        ("csl_abstracts", "dev二\ntest二\n"),
        ("gsdsimp_sentences", "train三\ndev三\ntest三\n"),
    ):
        assert (tmp_path / f"{name}.txt").read_text(encoding="utf8") == text
