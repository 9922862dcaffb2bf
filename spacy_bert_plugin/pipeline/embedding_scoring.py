"""Scores of vectors: against gold similarities, and of finding one text by another."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from spacy.tokens import Doc
from spacy.training import Example
from torch import Tensor

from ..errors import DataError, Errors
from ..heads.contrastive import SAME_FROM
from ..heads.correlation import pearson, spearman
from ..heads.embeddings import compare_all, compare_rows, find_ranks
from ..layers.apart_texts import read_texts
from ..util.pairs import TEXTS_KEY

LEAST, MOST = -1.0, 1.0
RECALLS = (1, 5, 10)
# Queries that are compared with all candidates at a time.
BLOCK = 1_024


def read_score(doc: Doc, key: str, *, name: str) -> float | None:
    """Read how similar the first two texts of an annotated Doc are; None where it does not say.

    RAISES (DataError): The number is out of range.
    """
    score = doc.cats.get(key)
    if score is None:
        return None
    if not LEAST <= score <= MOST:
        raise DataError(
            Errors.SB894.format(
                name=name, key=key, least=LEAST, most=MOST, got=score, text=doc.text[:80]
            )
        )
    return float(score)


def score_embeddings(
    examples: Iterable[Example], *, name: str, score_key: str = "similarity"
) -> dict[str, Any]:
    """Score the vectors of Docs of several texts.

    Where gold says how similar the first two texts are: Spearman's and Pearson's correlation of the
    cosine with it. Where they belong together (gold does not say, or at least 0.5): the first text
    looks for the second one among all texts of these Docs that are no first ones.

    RETURNS (dict): "similarity_spearman", "similarity_pearson"; "similarity_mrr", the mean of one
        over the place that the right text is found at, and "similarity_recall_1", "_5" and "_10";
        "similarity_score", the mean of Spearman's and of the first. None where nothing can be said.
    """
    cosines: list[float] = []
    gold: list[float] = []
    vectors: list[list[Any]] = []
    texts: list[list[str]] = []
    are_same: list[bool] = []
    for example in examples:
        doc = example.predicted
        spans = read_texts(doc) if TEXTS_KEY in doc.spans else []
        if len(spans) < 2 or any(span._.embedding is None for span in spans):
            continue
        score = read_score(example.reference, score_key, name=name)
        vectors.append([span._.embedding for span in spans])
        texts.append([span.text for span in spans])
        are_same.append(score is None or score >= SAME_FROM)
        if score is not None:
            first, second = (torch.from_numpy(np.array(v))[None] for v in vectors[-1][:2])
            cosines.append(float(compare_rows(first, second)))
            gold.append(score)
    return _join(_correlate(cosines, gold), _retrieve(vectors, texts, are_same))


def _correlate(cosines: Sequence[float], gold: Sequence[float]) -> dict[str, float | None]:
    found = {"spearman": spearman(cosines, gold), "pearson": pearson(cosines, gold)}
    return {name: None if math.isnan(value) else value for name, value in found.items()}


def _retrieve(
    vectors: Sequence[Sequence[Any]], texts: Sequence[Sequence[str]], are_same: Sequence[bool]
) -> dict[str, float | None]:
    candidates: dict[str, Any] = {}  # each text once: it would be found beside itself
    for group, names in zip(vectors, texts, strict=True):
        candidates.update(zip(names[1:], group[1:], strict=True))
    places = {text: place for place, text in enumerate(candidates)}
    chosen = [i for i, is_same in enumerate(are_same) if is_same]
    if len(candidates) < 2 or not chosen:
        return dict.fromkeys(("mrr", *(f"recall_{k}" for k in RECALLS)))
    table = _stack(list(candidates.values()))
    ranks: list[int] = []
    for begin in range(0, len(chosen), BLOCK):
        part = chosen[begin : begin + BLOCK]
        similarities = compare_all(_stack([vectors[i][0] for i in part]), table)
        ranks += find_ranks(similarities, [places[texts[i][1]] for i in part])
    places_found = np.array(ranks)
    recalls = {f"recall_{k}": float((places_found <= k).mean()) for k in RECALLS}
    return {"mrr": float((1.0 / places_found).mean()), **recalls}


def _join(correlations: dict[str, float | None], found: dict[str, float | None]) -> dict[str, Any]:
    main = [s for s in (correlations["spearman"], found["mrr"]) if s is not None]
    scores = {**correlations, **found, "score": sum(main) / len(main) if main else None}
    return {f"similarity_{key}": value for key, value in scores.items()}


def _stack(rows: Sequence[Any]) -> Tensor:
    return torch.from_numpy(np.stack(rows))
