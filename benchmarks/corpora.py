"""The data sets as `.spacy` files, so that every system reads the very same Docs."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from recipes import DATA_SETS, DataSet

SPLITS = ("train", "dev", "test")
PAIR_KEY = "pair"


def prepare_corpora(data: str, *, data_dir: Path, folder: Path) -> dict[str, Path]:
    """Convert a data set, unless that was done before.

    data (str): Its name.
    data_dir (Path): Folder of the data sets.
    folder (Path): Where the `.spacy` files go, in a folder of its name.
    RETURNS (dict): Path of each split.
    """
    paths = {split: folder / data / f"{split}.spacy" for split in SPLITS}
    if not all(path.exists() for path in paths.values()):
        _convert(DATA_SETS[data], data_dir / data, paths)
    return paths


def read_examples(path: Path, nlp: Any, *, limit: int = 0) -> list[Any]:
    """Examples of a `.spacy` file, as `spacy train` makes them; both sides of a pair are pairs.

    limit (int): Most of them; 0: all.
    """
    from spacy.training import Corpus, Example

    examples = list(Corpus(path, limit=limit)(nlp))
    if not any(PAIR_KEY in example.reference.spans for example in examples):
        return examples
    from spacy_bert_plugin.util.pairs import retokenize_texts

    golds = [example.reference for example in examples]
    return [Example(retokenize_texts(nlp, gold), gold) for gold in golds]


def cut_corpora(paths: dict[str, Path], *, n_texts: int, folder: Path) -> dict[str, Path]:
    """The first texts of each split alone, for a run that only shows that it runs."""
    import spacy
    from spacy.tokens import DocBin

    vocab = spacy.blank("en").vocab
    cut: dict[str, Path] = {}
    for split, path in paths.items():
        docs = list(DocBin().from_disk(path).get_docs(vocab))
        random.Random(0).shuffle(docs)
        cut[split] = folder / f"{split}.spacy"
        DocBin(docs=docs[:n_texts]).to_disk(cut[split])
    return cut


def count_words(path: Path) -> int:
    """spaCy tokens of a `.spacy` file."""
    import spacy
    from spacy.tokens import DocBin

    vocab = spacy.blank("en").vocab
    return sum(len(doc) for doc in DocBin().from_disk(path).get_docs(vocab))


def _convert(data_set: DataSet, source: Path, paths: dict[str, Path]) -> None:
    import spacy

    from spacy_bert_plugin.training.formats import (
        FormatOptions,
        build_docs,
        find_categories,
        read_label_names,
        read_records,
        split_records,
        write_docs,
    )

    settings = dict(data_set.options)
    if "labels" in settings:
        settings["labels"] = tuple(read_label_names(source / settings["labels"]))
    options = FormatOptions(**settings)
    options_of = dict.fromkeys(SPLITS, options)
    options_of["test"] = FormatOptions(**{**settings, **data_set.test_options})
    records = {
        split: read_records(source / name, options_of[split])
        for split in SPLITS
        if (name := getattr(data_set, split))
    }
    if "dev" not in records:
        share = data_set.dev_share
        records["train"], records["dev"] = split_records(records["train"], share=share, seed=0)
    everything = [record for rows in records.values() for record in rows]
    categories = find_categories(everything, options)
    nlp = spacy.blank("en")
    docs = {
        paths[split]: build_docs(nlp, rows, options=options_of[split], categories=categories)[0]
        for split, rows in records.items()
    }
    write_docs(docs)
