"""Make the English texts of `pretrain_small`: chapters of novels and articles of an encyclopedia.

A chapter or an article is a document, and its paragraphs stand between blank lines. Whole
documents are held out.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from documents import write_split
from wasabi import msg

# A chapter begins at a line like these, with a blank line before and after it.
HEADING = re.compile(
    r"(?:CHAPTER|Chapter|Letter|ADVENTURE) (?:[IVXLC]+|\d+)\b.*"
    r"|[IVX]+\. THE ADVENTURE OF .*"
    r"|Epilogue"
)
# Shorter ones are lines of a table of contents.
MIN_CHARACTERS = 1_000
TITLE = re.compile(r"= [^=].* =")
# What the tokens of WikiText are in plain text.
UNTOKENIZE = (
    (re.compile(r" @([-,.])@ "), r"\1"),
    # Rare words were taken out of the text; what is left reads as if they had never been there.
    (re.compile(r" ?<unk>"), ""),
    (re.compile(r" ([,.;:!?%)\]]|'(?:s|t|d|m|re|ve|ll)\b)"), r"\1"),
    (re.compile(r"([(\[$£]) "), r"\1"),
    (re.compile(r'" ([^"]*) "'), r'"\1"'),
    (re.compile(r"\( ?\)|\"\""), ""),
    (re.compile(r"  +"), " "),
)


def read_chapters(path: Path) -> list[str]:
    """Cut a novel into its chapters. What stands before the first one is left out.

    path (Path): Plain text.
    """
    lines = ["", *path.read_text(encoding="utf8").split("\n"), ""]
    starts = [
        i
        for i in range(1, len(lines) - 1)
        if HEADING.fullmatch(lines[i]) and not lines[i - 1].strip() and not lines[i + 1].strip()
    ]
    chapters = [
        clean_prose("\n".join(lines[start + 1 : end]))
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)
    ]
    return [chapter for chapter in chapters if len(chapter) >= MIN_CHARACTERS]


def clean_prose(text: str) -> str:
    """Take out the marks of italics and the rows of stars."""
    text = re.sub(r"_([^_]+)_", r"\1", text)
    text = re.sub(r"^[ *]+$", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def read_articles(path: Path) -> Iterator[str]:
    """Read the articles of a file of WikiText, without their titles and headings."""
    lines = ["", *(line.strip() for line in path.read_text(encoding="utf8").split("\n")), ""]
    paragraphs: list[str] = []
    for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
        if TITLE.fullmatch(line) and not before and not after and paragraphs:
            yield "\n\n".join(paragraphs)
            paragraphs = []
        elif line and not line.startswith("= "):
            paragraphs.append(untokenize(line))
    if paragraphs:
        yield "\n\n".join(paragraphs)


def untokenize(line: str) -> str:
    """Bring a line of WikiText back to how people write."""
    for pattern, plain in UNTOKENIZE:
        line = pattern.sub(plain, line)
    return line.strip()


def main(
    gutenberg: Path,
    wikitext: Path,
    folder: Path,
    seed: Annotated[int, typer.Option(help="Of what is held out.")] = 0,
) -> None:
    """Write train.jsonl and dev.jsonl into FOLDER, out of the .txt files of two folders."""
    books, articles = sorted(gutenberg.glob("*.txt")), sorted(wikitext.glob("*.txt"))
    if not books or not articles:
        missing = wikitext if books else gutenberg
        msg.fail(f"{missing} has no .txt files", "Run the data steps of project.yml.", exits=1)
    sources = [read_chapters(path) for path in books]
    sources += [list(read_articles(path)) for path in articles]
    n = write_split(sources, folder, seed=seed)
    msg.good(f"{folder} has {n['train']} documents and {n['dev']} that are held out")


if __name__ == "__main__":
    typer.run(main)
