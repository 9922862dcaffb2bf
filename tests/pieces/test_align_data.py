"""Alignment over real text of four languages and of the web, where the data sets are on disk."""

import json
import os
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc

from tests.pieces.real_tokenizers import KINDS, check_alignment, train_tokenizer

DATA = Path(os.environ.get("SPACY_BERT_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason="no data sets: set SPACY_BERT_TEST_DATA"),
]
N_CHARACTERS = 25_000
N_SENTENCES = 150


def read_contexts(path: Path) -> list[str]:
    data = json.loads(path.read_text(encoding="utf8"))["data"]
    return [paragraph["context"] for article in data for paragraph in article["paragraphs"]]


def read_column(path: Path, column: int = 0) -> list[str]:
    return [line.split("\t")[column] for line in path.read_text(encoding="utf8").splitlines()]


def read_lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf8").splitlines() if line.strip()]


def read_code_mixed(path: Path) -> list[str]:
    """English and Chinese of a translation in one text."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf8").splitlines()]
    return [f"{row[0]} {row[1]}{row[0]}" for row in rows]


def take(texts: list[str]) -> list[str]:
    """The first texts, about `N_CHARACTERS` in all."""
    ends = accumulate(map(len, texts))
    return [text for text, end in zip(texts, ends, strict=True) if end <= N_CHARACTERS]


# file, language, reader
SETS: list[tuple[str, str, Callable[[Path], list[str]]]] = [
    ("xquad/xquad.de.json", "de", read_contexts),
    ("xquad/xquad.es.json", "es", read_contexts),
    ("xquad/xquad.zh.json", "zh", read_contexts),
    ("cmrc2018/cmrc2018_trial.json", "zh", read_contexts),
    ("zh_modern_text/csl_abstracts.txt", "zh", read_lines),
    ("goemotions/dev.tsv", "en", read_column),
    ("tatoeba_en_zh/dev.tsv", "xx", read_code_mixed),
]


def read_ud_docs(path: Path, n: int) -> list[Doc]:
    """Sentences of a treebank with its own words: contractions are one token."""
    vocab = spacy.blank("xx").vocab
    docs: list[Doc] = []
    for block in path.read_text(encoding="utf8").strip().split("\n\n")[:n]:
        words, spaces, until = [], [], 0
        for line in block.splitlines():
            cells = line.split("\t")
            if line.startswith("#") or "." in cells[0]:
                continue
            first, _, last = cells[0].partition("-")
            if not last and int(first) <= until:
                continue
            until = int(last or first)
            words.append(cells[1])
            spaces.append("SpaceAfter=No" not in cells[9])
        docs.append(Doc(vocab, words=words, spaces=spaces))
    return docs


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "lang", "read"), SETS)
def test_texts(name: str, lang: str, read: Callable[[Path], list[str]], kind: str) -> None:
    texts = take(read(DATA / name))
    # The other texts have characters that the tokenizer has never seen.
    sample = [text[:300] for text in texts[: len(texts) // 2]]
    tokenizer = train_tokenizer(kind, sample, n_pieces=3000 if lang == "zh" else 1000)
    docs = list(spacy.blank(lang).pipe(texts))
    assert check_alignment(tokenizer, docs) == sum(map(len, docs)) > 1000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["de_gsd-ud-dev", "zh_gsdsimp-ud-dev", "en_ewt-ud-dev"])
def test_treebanks(name: str, kind: str) -> None:
    docs = read_ud_docs(DATA / "ud_treebanks" / f"{name}.conllu", N_SENTENCES)
    tokenizer = train_tokenizer(kind, [doc.text for doc in docs[: N_SENTENCES // 3]], n_pieces=1500)
    assert check_alignment(tokenizer, docs) == sum(map(len, docs)) > 1000
