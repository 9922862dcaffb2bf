"""Gather modern Chinese texts, one a line: the paragraphs of cmrc2018 (from an encyclopedia), the
abstracts of CSL (from papers), and the sentences of Universal NER.
"""

import json
from collections.abc import Iterable
from pathlib import Path

MARK = "# text = "


def read_paragraphs(path: Path) -> list[str]:
    """Read the contexts of a file in the form of SQuAD."""
    articles = json.loads(path.read_text(encoding="utf8"))["data"]
    paragraphs = [one for article in articles for one in article["paragraphs"]]
    return [one["context"].replace("\n", " ") for one in paragraphs]


def read_abstracts(path: Path) -> list[str]:
    """Read the second of the columns prompt, abstract and title."""
    rows = path.read_text(encoding="utf8").split("\n")
    return [row.split("\t")[1] for row in rows if row]


def read_sentences(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf8").split("\n")
    return [line[len(MARK) :] for line in lines if line.startswith(MARK)]


def write_lines(texts: Iterable[str], path: Path) -> None:
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf8", newline="\n")


def prepare(upstream: Path, folder: Path) -> None:
    """Write the three files.

    upstream (Path): Folder with the files as they are at the sources.
    folder (Path): Where the three go.
    """
    contexts = [read_paragraphs(upstream / f"cmrc2018_{part}.json") for part in ("dev", "trial")]
    abstracts = [read_abstracts(upstream / f"{part}.tsv") for part in ("dev", "test")]
    sentences = [
        read_sentences(upstream / f"zh_gsdsimp-ud-{part}.iob2") for part in ("train", "dev", "test")
    ]
    for name, parts in (
        ("cmrc2018_contexts", contexts),
        ("csl_abstracts", abstracts),
        ("gsdsimp_sentences", sentences),
    ):
        write_lines((text for part in parts for text in part), folder / f"{name}.txt")
