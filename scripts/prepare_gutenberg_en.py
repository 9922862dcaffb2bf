"""Take the novels out of the files of GITenberg: what Project Gutenberg wrote around them goes."""

import re
from pathlib import Path

# Number of the book, which is the name of its file at the source -> name here.
BOOKS = {
    "1342": "pride-and-prejudice",
    "2701": "moby-dick-or-the-whale",
    "1661": "the-adventures-of-sherlock-holmes",
    "1400": "great-expectations",
    "84": "frankenstein",
    "345": "dracula",
}
START = re.compile(r"^\*\*\* ?START OF.*\n", flags=re.MULTILINE)
END = re.compile(r"^(?:End of (?:the )?Project Gutenberg|\*\*\* ?END OF)", flags=re.MULTILINE)
PRODUCED = re.compile(r"\s*(?:Produced|E-text prepared) by (?:.+\n)+")


def extract_book(text: str) -> str:
    """Take a novel out of the text around it.

    text (str): A file of Project Gutenberg; without its marks it is taken whole.
    """
    text = text.replace("\r\n", "\n")
    if start := START.search(text):
        text = text[start.end() :]
    if end := END.search(text):
        text = text[: end.start()]
    if produced := PRODUCED.match(text):
        text = text[produced.end() :]
    return text.strip() + "\n"


def prepare(upstream: Path, folder: Path) -> None:
    """Write a file for each book.

    upstream (Path): Folder with the files as they are at the source.
    folder (Path): Where the novels go.
    """
    for number, name in BOOKS.items():
        data = (upstream / f"{number}.txt").read_bytes()
        try:
            text = data.decode("utf8")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
        path = folder / f"{name}.txt"
        path.write_text(extract_book(text), encoding="utf8", newline="\n")
