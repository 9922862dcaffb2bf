"""What is measured on dev and test: plain functions of gold, guesses and confidences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

N_BINS = 15
THRESHOLDS = np.round(np.arange(0.05, 0.96, 0.025), 3)


def calibration_error(
    confidences: Sequence[float], is_right: Sequence[bool], *, n_bins: int = N_BINS
) -> float:
    """Expected calibration error over bins of equal width.

    Guo et al. (2017), https://arxiv.org/abs/1706.04599

    confidences, is_right: One number and one truth a guess.
    RETURNS (float): Mean distance of confidence and share of right guesses, weighted by the
        number of guesses in a bin; 0.0 where nothing was guessed.
    """
    certain = np.asarray(confidences, dtype="float64")
    right = np.asarray(is_right, dtype="float64")
    if len(certain) == 0:
        return 0.0
    bins = np.minimum((certain * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, weights=certain - right, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(certain))


def f_scores(gold: np.ndarray, guesses: np.ndarray) -> np.ndarray:
    """F of each label; 0 where a label has neither gold nor guess.

    Shape: gold, guesses: (n_texts, n_labels) bool. Returns (n_labels,).
    """
    right = (gold & guesses).sum(axis=0)
    total = gold.sum(axis=0) + guesses.sum(axis=0)
    scores: np.ndarray = np.where(total > 0, 2 * right / np.maximum(total, 1), 0.0)
    return scores


def tune_thresholds(gold: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The threshold of each label with the best F, the lowest of equals.

    Shape: gold: (n_texts, n_labels) bool; scores: the same, floats. Returns (n_labels,).
    """
    each = np.stack([f_scores(gold, scores >= threshold) for threshold in THRESHOLDS])
    chosen: np.ndarray = THRESHOLDS[each.argmax(axis=0)]
    return chosen


def macro_f(gold: np.ndarray, scores: np.ndarray, thresholds: np.ndarray) -> float:
    """Mean F of the labels at their thresholds."""
    return float(f_scores(gold, scores >= thresholds).mean())


def score_entities(examples: Sequence[Any]) -> dict[str, float]:
    """Precision, recall, F as spaCy's Scorer has them; calibration where there is confidence."""
    from spacy.scorer import get_ner_prf

    prf = get_ner_prf(examples)
    scores = {key: float(prf[f"ents_{key}"] or 0.0) for key in ("f", "p", "r")}
    pairs = entity_confidences(examples)
    if pairs is not None:
        scores["entities_ece"] = calibration_error(*pairs)
    return scores


def entity_confidences(examples: Sequence[Any]) -> tuple[list[float], list[bool]] | None:
    """Confidence of each predicted entity and whether it is in the gold; None without any.

    An entity says how sure it is by `span._.confidence`.
    """
    from spacy.tokens import Span

    if not Span.has_extension("confidence"):
        return None
    confidences: list[float] = []
    is_right: list[bool] = []
    for example in examples:
        gold = {span_key(span) for span in example.reference.ents}
        for span in example.predicted.ents:
            if span._.confidence is None:
                return None
            confidences.append(float(span._.confidence))
            # An entity whose borders are no gold borders has no counterpart, and is wrong.
            aligned = example.get_aligned_spans_x2y([span])
            is_right.append(any(span_key(other) in gold for other in aligned))
    return confidences, is_right


def span_key(span: Any) -> tuple[int, int, str]:
    """What must agree for an entity to be right."""
    return span.start, span.end, span.label_


def category_arrays(
    examples: Sequence[Any], labels: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Gold labels and predicted scores of texts.

    Shape: Both (n_texts, n_labels); bool and float.
    """
    gold = _cats_array([example.reference.cats for example in examples], labels) > 0.5
    return gold, _cats_array([example.predicted.cats for example in examples], labels)


def score_texts(examples: Sequence[Any], labels: Sequence[str]) -> dict[str, float]:
    """Accuracy and calibration of the highest-scored label."""
    gold, scores = category_arrays(examples, labels)
    if not len(gold):
        return {"accuracy": 0.0, "texts_ece": 0.0}
    is_right = gold.argmax(axis=1) == scores.argmax(axis=1)
    return {
        "accuracy": float(is_right.mean()),
        "texts_ece": calibration_error(scores.max(axis=1).tolist(), is_right.tolist()),
    }


def score_multilabel(
    examples: Sequence[Any], labels: Sequence[str], thresholds: np.ndarray
) -> dict[str, float]:
    """Macro F at thresholds that were tuned elsewhere, and calibration.

    `texts_ece` is over the labels that are predicted; over all of them (`all_ece`) the many
    scores near zero hide everything else.
    """
    gold, scores = category_arrays(examples, labels)
    guessed = scores >= thresholds
    return {
        "macro_f": macro_f(gold, scores, thresholds),
        "macro_f_at_half": macro_f(gold, scores, np.full(len(labels), 0.5)),
        "texts_ece": calibration_error(scores[guessed].tolist(), gold[guessed].tolist()),
        "all_ece": calibration_error(scores.ravel().tolist(), gold.ravel().tolist()),
    }


def score_answers(examples: Sequence[Any]) -> dict[str, float]:
    """Exact match and F1 of answers, as SQuAD's evaluation has them; calibration where known.

    A system's answer is the first of `doc.spans["answers"]`, or the text
    `doc.user_data["answer"]`, which may begin and end inside of tokens.
    """
    from spacy_bert_plugin.heads.answer_scores import score_answer

    scores: list[tuple[float, float]] = []
    confidences: list[float] = []
    is_right: list[bool] = []
    for example in examples:
        gold = example.reference.spans["gold_answers"].attrs["texts"]
        group = example.predicted.spans.get("answers")
        answer = example.predicted.user_data.get("answer", group[0].text if group else "")
        scores.append(score_answer(answer, gold))
        if group:
            borders = {(s.start, s.end) for s in example.reference.spans["gold_answers"]}
            confidences.append(float(group.attrs["scores"][0]))
            is_right.append((group[0].start, group[0].end) in borders)
    found = dict(zip(("em", "answer_f1"), np.mean(scores, axis=0).tolist(), strict=True))
    if confidences:
        found["answers_ece"] = calibration_error(confidences, is_right)
    return found


def score_run(
    kind: str, *, dev: Sequence[Any], test: Sequence[Any], labels: Sequence[str]
) -> dict[str, float]:
    """All scores of a trained system on one split.

    kind (str): As in `DataSet`.
    dev (Sequence): Examples with predictions that thresholds are tuned on.
    test (Sequence): Examples with predictions to score.
    labels (Sequence): Labels of texts, if any.
    """
    scores: dict[str, float] = {}
    if kind in ("entities", "joint"):
        scores |= score_entities(test)
    if kind in ("texts", "joint", "pairs"):
        scores |= score_texts(test, labels)
    if kind == "answers":
        scores |= score_answers(test)
    if kind == "multilabel":
        thresholds = tune_thresholds(*category_arrays(dev, labels))
        scores |= score_multilabel(test, labels, thresholds)
    return scores


def main_score(kind: str, scores: Mapping[str, float]) -> float:
    """The one number that chooses between checkpoints on dev."""
    keys = {
        "entities": ("f",),
        "texts": ("accuracy",),
        "joint": ("f", "accuracy"),
        "multilabel": ("macro_f",),
        "pairs": ("accuracy",),
        "answers": ("em", "answer_f1"),
    }[kind]
    return sum(scores[key] for key in keys) / len(keys)


def _cats_array(cats: Sequence[Mapping[str, float]], labels: Sequence[str]) -> np.ndarray:
    rows = [[each.get(label, 0.0) for label in labels] for each in cats]
    return np.asarray(rows, dtype="float64").reshape(len(cats), len(labels))
