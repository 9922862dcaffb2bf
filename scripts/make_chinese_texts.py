"""Make the Chinese texts of `pretrain_zh`: paragraphs, abstracts and single sentences.

A line of the sources is a document, and a line of a document is one of its sentences. Whole
documents are held out. What holds a sentence of the dev or test set of the entities that the
encoder is fine-tuned on is left out.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from documents import write_split
from wasabi import msg

# A full stop ends a sentence unless it stands in a number or a word of Latin letters.
END = re.compile(
    r"(?<=[。！？!?])(?![”’」』）)\"])|(?<=[”’」』][。！？])|(?<![0-9A-Za-z]\.)(?<=\.)"
)
# Sentences of fewer characters may stand in any text.
MIN_HELD_OUT = 8


def read_lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf8").split("\n")
    return [line.strip() for line in lines if line.strip()]


def split_sentences(paragraph: str) -> list[str]:
    """Cut a paragraph after the punctuation that ends sentences."""
    return [part.strip() for part in END.split(paragraph) if part.strip()]


def read_sentences(path: Path) -> list[str]:
    """Read the sentences of a file of Universal NER."""
    mark = "# text = "
    return [line[len(mark) :] for line in read_lines(path) if line.startswith(mark)]


def leave_out(documents: Iterable[str], sentences: Iterable[str]) -> list[str]:
    """Leave out the documents that hold one of the sentences, white space aside."""
    wanted = [plain for plain in map(squeeze, sentences) if len(plain) >= MIN_HELD_OUT]
    same = set(map(squeeze, sentences))
    kept = []
    for document in documents:
        plain = squeeze(document)
        if plain not in same and not any(sentence in plain for sentence in wanted):
            kept.append(document)
    return kept


def squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


def main(
    texts: Path,
    entities: Path,
    folder: Path,
    seed: Annotated[int, typer.Option(help="Of what is held out.")] = 0,
) -> None:
    """Write train.jsonl and dev.jsonl into FOLDER.

    TEXTS has .txt files, ENTITIES the dev and test sets (.iob2) that are left out of them.
    """
    paths = sorted(texts.glob("*.txt"))
    evaluated = [path for part in ("dev", "test") for path in entities.glob(f"*-{part}.iob2")]
    if not paths or not evaluated:
        missing = f"{entities} has no .iob2" if paths else f"{texts} has no .txt"
        msg.fail(f"{missing} files", "Run the data steps of project.yml.", exits=1)
    sentences = [sentence for path in evaluated for sentence in read_sentences(path)]
    read = [read_lines(path) for path in paths]
    kept = [leave_out(documents, sentences) for documents in read]
    sources = [["\n".join(split_sentences(one)) for one in documents] for documents in kept]
    n = write_split(sources, folder, seed=seed)
    msg.good(f"{folder} has {n['train']} documents and {n['dev']} that are held out")
    n_out = sum(map(len, read)) - sum(map(len, kept))
    msg.info(f"{n_out} were left out: they hold sentences that the entities are scored on")


if __name__ == "__main__":
    typer.run(main)
