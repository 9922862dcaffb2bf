"""Make questions for training and development of what two public repositories have of SQuAD 1.1.

The test questions come as they are. The others come without the place of their answers: kept are
those whose answer stands in the context exactly once, and whose context is no test context. A
tenth of the contexts is set aside, shuffled with seed 0.

The files that scores in this project were measured on have questions of a third repository beside
these, so that `get_data.py` says that they differ.
"""

import hashlib
import json
import random
import shutil
from pathlib import Path
from typing import Any

DEV_SHARE = 0.1
Rows = list[dict[str, Any]]


def prepare(upstream: Path, folder: Path) -> None:
    """Write train.json, dev.json and test.json.

    upstream (Path): Folder with test/dev.json and train/dev.json.
    folder (Path): Where the three files go.
    """
    shutil.copyfile(upstream / "test" / "dev.json", folder / "test.json")
    test = json.loads((folder / "test.json").read_text(encoding="utf8"))
    taken = {p["context"] for article in test["data"] for p in article["paragraphs"]}
    rows = json.loads((upstream / "train" / "dev.json").read_text(encoding="utf8"))
    contexts = group_rows(rows, taken)
    names = sorted(contexts)
    random.Random(0).shuffle(names)
    n_dev = round(DEV_SHARE * len(names))
    for split, chosen in (("dev", names[:n_dev]), ("train", names[n_dev:])):
        write_split(folder / f"{split}.json", {name: contexts[name] for name in chosen})


def group_rows(rows: Rows, taken: set[str]) -> dict[str, Rows]:
    """Questions by context, each once, with the place of its answer."""
    contexts: dict[str, Rows] = {}
    seen: set[tuple[str, str]] = set()
    for row in rows:
        context, question, answer = row["context"], row["question"], row["answer"]
        if context in taken or (context, question) in seen or context.count(answer) != 1:
            continue
        seen.add((context, question))
        name = hashlib.sha256(f"{context}\n{question}".encode()).hexdigest()[:16]
        answers = [{"text": answer, "answer_start": context.index(answer)}]
        contexts.setdefault(context, []).append(
            {"id": name, "question": question, "answers": answers}
        )
    return contexts


def write_split(path: Path, contexts: dict[str, Rows]) -> None:
    """Write a SQuAD file of one article."""
    paragraphs = [{"context": context, "qas": qas} for context, qas in contexts.items()]
    root = {"version": "1.1", "data": [{"title": "squad-subset", "paragraphs": paragraphs}]}
    path.write_text(json.dumps(root, ensure_ascii=False), encoding="utf8", newline="\n")
