"""Questions and the texts that answer them, from SQuAD files, for search.

    python scripts/make_search_data.py embedder train.json train.spacy
    python scripts/make_search_data.py reranker train.json train.spacy --embedder PIPELINE
    python scripts/make_search_data.py evaluate test.json metrics.json --embedder PIPELINE \\
        --reranker PIPELINE

"embedder": Docs of a question and its text, read apart. "reranker": pairs, YES for the right text
and NO for wrong ones drawn from those that the vectors find. "evaluate": how often the right text
is found, before and after it is read beside the question.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from tqdm import tqdm

from spacy_bert_plugin.layers.apart_texts import make_texts_doc
from spacy_bert_plugin.util.pairs import make_pair_doc, make_pair_docs

# Wrong texts of a question, and of how many nearest ones they are drawn: those that are read again
# in search. With the very nearest alone a pair model learns that likeness speaks against a text.
N_WRONG, N_NEAREST = 1, 20
YES, NO = "YES", "NO"


def main() -> None:
    """Read the command line and make the data."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kind", choices=["embedder", "reranker", "evaluate"])
    parser.add_argument("source", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--embedder", default="")
    parser.add_argument("--reranker", default="")
    parser.add_argument("--limit", type=int, default=0, help="most questions; 0: all")
    parser.add_argument("--candidates", type=int, default=20, help="texts that are read again")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    texts, asked = read_questions(arguments.source)
    random.Random(arguments.seed).shuffle(asked)
    asked = asked[: arguments.limit or None]
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    if arguments.kind == "evaluate":
        found = evaluate(texts, asked, arguments)
        arguments.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf8")
        print(json.dumps(found, indent=2))
        return
    blank = spacy.blank("en")
    if arguments.kind == "embedder":
        docs = [make_texts_doc(blank, [question, texts[row]]) for question, row in asked]
    else:
        rows = rank(spacy.load(arguments.embedder), texts, asked, N_NEAREST + 1)
        docs = list(make_pairs(blank, texts, asked, rows, seed=arguments.seed))
    DocBin(docs=docs, store_user_data=True).to_disk(arguments.output)
    print(f"{len(docs):,} Docs in {arguments.output}")


def read_questions(path: Path) -> tuple[list[str], list[tuple[str, int]]]:
    """Read the texts of a SQuAD file, each once, and its questions, each with its text's number."""
    numbers: dict[str, int] = {}
    asked = []
    for article in json.loads(path.read_text(encoding="utf8"))["data"]:
        for paragraph in article["paragraphs"]:
            row = numbers.setdefault(paragraph["context"].strip(), len(numbers))
            asked += [(qa["question"].strip(), row) for qa in paragraph["qas"]]
    return list(numbers), [(question, row) for question, row in asked if question]


def rank(
    nlp: Language, texts: Sequence[str], asked: Sequence[tuple[str, int]], n: int
) -> list[list[int]]:
    """List the `n` texts nearest to each question, best first."""
    table = np.stack([doc._.embedding for doc in nlp.pipe(texts)])
    queries = np.stack([doc._.embedding for doc in nlp.pipe([question for question, _ in asked])])
    order = np.argsort(-(queries @ table.T), axis=1, kind="stable")
    rows: list[list[int]] = order[:, :n].tolist()
    return rows


def make_pairs(
    blank: Language,
    texts: Sequence[str],
    asked: Sequence[tuple[str, int]],
    found: Sequence[Sequence[int]],
    *,
    seed: int,
) -> Iterator[Doc]:
    """Pair each question with its text, and with wrong ones drawn from those found for it."""
    random_source = random.Random(seed)
    for (question, right), rows in zip(asked, found, strict=True):
        wrong = [row for row in rows if row != right][:N_NEAREST]
        for row in [right, *random_source.sample(wrong, min(N_WRONG, len(wrong)))]:
            doc = make_pair_doc(blank, question, texts[row])
            doc.cats = {YES: float(row == right), NO: float(row != right)}
            yield doc


def evaluate(
    texts: Sequence[str], asked: Sequence[tuple[str, int]], arguments: argparse.Namespace
) -> dict[str, Any]:
    """Measure both stages."""
    rows = rank(spacy.load(arguments.embedder), texts, asked, arguments.candidates)
    rights = [right for _, right in asked]
    found: dict[str, Any] = {"n_texts": len(texts), "n_questions": len(asked)}
    found["embedder"] = measure(rows, rights)
    if arguments.reranker:
        ranked = rerank(spacy.load(arguments.reranker), texts, asked, rows)
        found["reranked"] = measure(ranked, rights)
    return found


def rerank(
    nlp: Language,
    texts: Sequence[str],
    asked: Sequence[tuple[str, int]],
    rows: Sequence[Sequence[int]],
) -> list[list[int]]:
    """Sort the texts found for each question by what a pair model says of them."""
    ranked = []
    for (question, _), candidates in tqdm(list(zip(asked, rows, strict=True)), disable=None):
        docs = make_pair_docs(nlp, ((question, texts[row]) for row in candidates))
        scores = [doc.cats[YES] for doc in nlp.pipe(docs)]
        order = np.argsort(-np.array(scores), kind="stable")
        ranked.append([candidates[place] for place in order])
    return ranked


def measure(rows: Sequence[Sequence[int]], rights: Sequence[int]) -> dict[str, float]:
    """Mean of one over the place of the right text (0 beyond the last), and shares found so far."""
    places = [
        row.index(right) + 1 if right in row else 0 for row, right in zip(rows, rights, strict=True)
    ]
    scores = {"mrr": sum(1 / place for place in places if place) / max(len(places), 1)}
    for k in (1, 5, 20):
        scores[f"recall_{k}"] = sum(0 < place <= k for place in places) / max(len(places), 1)
    return {name: round(score, 4) for name, score in scores.items()}


if __name__ == "__main__":
    main()
