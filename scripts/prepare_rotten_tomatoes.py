"""Split the sentence polarity data ("rotten tomatoes") of nltk/nltk_data, which has no splits.

80, 10 and 10 % of each class, shuffled with seed 0, as tsv with the columns text and label.
"""

import random
import zipfile
from pathlib import Path

FILES = {"neg": "rt-polarity.neg", "pos": "rt-polarity.pos"}


def read_lines(archive: zipfile.ZipFile, name: str) -> list[str]:
    """The lines of a file anywhere in an archive, without white space around them.

    RAISES (KeyError): There is no such file.
    """
    path = next((path for path in archive.namelist() if path.rsplit("/", 1)[-1] == name), name)
    text = archive.read(path).decode("utf8")
    return [line.strip() for line in text.split("\n") if line.strip()]


def prepare(upstream: Path, folder: Path) -> None:
    """Write train.tsv, dev.tsv and test.tsv.

    upstream (Path): Folder with sentence_polarity.zip.
    folder (Path): Where the three files go.
    """
    rng = random.Random(0)
    splits: dict[str, list[tuple[str, str]]] = {"train": [], "dev": [], "test": []}
    with zipfile.ZipFile(upstream / "sentence_polarity.zip") as archive:
        for label, name in FILES.items():
            rows = [(line, label) for line in read_lines(archive, name)]
            rng.shuffle(rows)
            n_train, n_dev = int(len(rows) * 0.8), int(len(rows) * 0.1)
            splits["train"] += rows[:n_train]
            splits["dev"] += rows[n_train : n_train + n_dev]
            splits["test"] += rows[n_train + n_dev :]
    for split, rows in splits.items():
        rng.shuffle(rows)
        lines = ["text\tlabel", *(f"{text}\t{label}" for text, label in rows)]
        (folder / f"{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf8", newline="\n")
