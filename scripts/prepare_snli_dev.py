"""Split the development set of SNLI, the one part of it in the mirror, by premise.

80, 10 and 10 % of the premises, sorted and then shuffled with seed 0. Scores on this test set are
not those of SNLI's own.
"""

import json
import random
from pathlib import Path

SHARES = {"train": 0.8, "dev": 0.9, "test": 1.0}


def prepare(upstream: Path, folder: Path) -> None:
    """Write train.jsonl, dev.jsonl and test.jsonl.

    upstream (Path): Folder with dev.jsonl.
    folder (Path): Where the three files go.
    """
    rows: dict[str, list[str]] = {}
    for line in (upstream / "dev.jsonl").read_text(encoding="utf8").split("\n"):
        if line.strip():
            rows.setdefault(json.loads(line)["premise"], []).append(line)
    premises = sorted(rows)
    random.Random(0).shuffle(premises)
    begin = 0
    for split, share in SHARES.items():
        end = int(share * len(premises))
        lines = [line for premise in premises[begin:end] for line in rows[premise]]
        (folder / f"{split}.jsonl").write_text(
            "\n".join(lines) + "\n", encoding="utf8", newline="\n"
        )
        begin = end
