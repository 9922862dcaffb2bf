"""Public data sets, where they are on disk: counts as their makers give them."""

import os
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_bert_plugin.training.formats import (
    FormatOptions,
    build_docs,
    find_categories,
    read_label_names,
    read_records,
)

DATA = Path(os.environ.get("SPACY_BERT_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason="no data sets: set SPACY_BERT_TEST_DATA"),
]

# file, language, settings, rows, tokens of the file (0: our own), spans, labels
TEXTCAT = {"task": "textcat"}
SETS: list[tuple[str, str, dict[str, Any], int, int, dict[str, int]]] = [
    ("snips/validate.jsonl", "en", {"task": "joint", "align": "split"}, 700, 0,
     {"PlayMusic": 100, "": 1794}),
    ("wnut17/emerging.dev.conll", "en", {}, 1009, 15733, {"person": 470, "": 836}),
    ("wnut17/emerging.test.annotated", "en", {}, 1287, 23394, {"person": 429, "": 1079}),
    ("uner_en_ewt/en_ewt-ud-dev.iob2", "en", {}, 2001, 25149, {"LOC": 399, "": 966}),
    ("uner_zh_gsdsimp/zh_gsdsimp-ud-test.iob2", "zh", {}, 500, 12012, {"ORG": 129, "": 763}),
    ("ncbi_disease/devel.tsv", "en", {"task": "ner"}, 923, 23969, {"Disease": 787, "": 787}),
    ("rotten_tomatoes/dev.tsv", "en", TEXTCAT, 1066, 0, {"pos": 533, "neg": 533, "": 0}),
    ("goemotions/dev.tsv", "en", {"task": "textcat_multilabel"}, 5426, 0,
     {"neutral": 1766, "grief": 13, "": 0}),
    ("banking77/test.csv", "en", TEXTCAT, 3080, 0, {"card_arrival": 40, "": 0}),
    ("csl/cls_ctg/test.tsv", "zh", TEXTCAT, 1000, 0, {"工学": 443, "军事学": 8, "": 0}),
    ("csl/ts/dev.tsv", "zh", {"task": "text"}, 1000, 0, {"": 0}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "lang", "settings", "n_rows", "n_tokens", "counts"), SETS)
def test_counts(
    name: str, lang: str, settings: dict[str, Any], n_rows: int, n_tokens: int,
    counts: dict[str, int],
) -> None:  # fmt: skip
    labels = DATA / name.partition("/")[0] / "labels.txt"
    names = read_label_names(labels) if labels.exists() else None
    options = FormatOptions(labels=names, **settings)
    records = read_records(DATA / name, options)
    categories = find_categories(records, options)
    _, summary = build_docs(spacy.blank(lang), records, options=options, categories=categories)
    assert (summary.n_rows, summary.n_docs, summary.n_lost) == (n_rows, n_rows, 0)
    assert n_tokens in (0, summary.n_tokens)
    assert summary.n_spans == counts[""]
    got = summary.cats + summary.spans
    assert {label: got[label] for label in counts if label} == {
        label: n for label, n in counts.items() if label
    }
