"""Bring the training file of UniversalNER/UNER_English-EWT into the form of its dev and test files.

Its first commit, the only one that is whole, also has a fourth kind of name (OTH), tags that name
no kind (B-O), and no columns behind a plain O.
"""

from pathlib import Path

FILE = "en_ewt-ud-train.iob2"
PREPARED = "en_ewt-ud-train.early.iob2"
KINDS = {"PER", "LOC", "ORG"}


def normalize(line: str) -> str:
    """Bring one line into five columns: number, word, tag, and two that are not filled.

    line (str): A word with its tag; comments and blank lines stay as they are.
    """
    cells = line.split("\t")
    if line.startswith("# ") or len(cells) < 3:
        return line
    number, word, tag = cells[:3]
    return "\t".join([number, word, tag if tag[2:] in KINDS else "O", "-", "-"])


def prepare(upstream: Path, folder: Path) -> None:
    """Write the training file.

    upstream (Path): Folder with the file of the first commit.
    folder (Path): Where the other one goes.
    """
    lines = (upstream / FILE).read_text(encoding="utf8").split("\n")
    text = "\n".join(normalize(line) for line in lines)
    (folder / PREPARED).write_text(text, encoding="utf8", newline="\n")
