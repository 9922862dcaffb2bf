"""Search in two stages: vectors find candidates, a pair model reads each beside the question.

pip install "spacy-bert-plugin[search]"
python examples/search/search.py EMBEDDER texts.txt "who painted it?" --reranker PAIRS --label YES
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import spacy
from spacy.language import Language

from spacy_bert_plugin.util.pairs import make_pair_docs


def embed(nlp: Language, texts: Sequence[str]) -> Any:
    """Embed texts. Shape: (n_texts, width)"""
    return np.stack([doc._.embedding for doc in nlp.pipe(texts)])


def build_index(vectors: Any) -> Any:
    """Make an index of vectors of length one: the inner product is the cosine."""
    index = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.add(vectors)
    return index


def find(
    nlp: Language, index: Any, questions: Sequence[str], *, n_candidates: int = 20
) -> list[list[int]]:
    """Find the texts whose vectors are nearest to those of questions, best first."""
    _, rows = index.search(embed(nlp, questions), n_candidates)
    return [[int(row) for row in found if row >= 0] for found in rows]


def rerank(
    nlp: Language, label: str, texts: Sequence[str], question: str, candidates: Sequence[int]
) -> Iterator[tuple[float, int]]:
    """Score candidates by a pair model that says `label` of those that answer a question."""
    docs = make_pair_docs(nlp, ((question, texts[row]) for row in candidates))
    scores = [doc.cats[label] for doc in nlp.pipe(docs)]
    yield from sorted(zip(scores, candidates, strict=True), reverse=True)


def main() -> None:
    """Search the lines of a file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("embedder", help="pipeline with a bert_embedder")
    parser.add_argument("texts", type=Path, help="one text a line")
    parser.add_argument("question")
    parser.add_argument("--reranker", help="pipeline with a bert_textcat that was trained on pairs")
    parser.add_argument("--label", default="YES", help="what it says of texts that answer")
    parser.add_argument("--top", type=int, default=5)
    arguments = parser.parse_args()
    texts = [line for line in arguments.texts.read_text(encoding="utf8").splitlines() if line]
    nlp = spacy.load(arguments.embedder)
    (rows,) = find(nlp, build_index(embed(nlp, texts)), [arguments.question])
    ranked = [(0.0, row) for row in rows]
    if arguments.reranker:
        pairs = spacy.load(arguments.reranker)
        ranked = list(rerank(pairs, arguments.label, texts, arguments.question, rows))
    for score, row in ranked[: arguments.top]:
        print(f"{score:.3f}  {texts[row]}")


if __name__ == "__main__":
    main()
