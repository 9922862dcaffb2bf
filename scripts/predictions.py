"""A trained pipeline reads annotated texts: what evaluation and report have in common."""

import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
from confidences import list_answers
from spacy.scorer import Scorer
from spacy.training import Corpus, Example
from tqdm import tqdm

from spacy_bert_plugin.heads.calibration import expected_calibration_error


@dataclass(frozen=True)
class Predictions:
    """Annotated texts with what the pipeline made of them.

    examples (list): Gold and prediction of every text.
    seconds (float): Time that the pipeline took.
    """

    nlp: Any
    examples: list[Example]
    seconds: float


def predict(model: Path, data: Path) -> Predictions:
    """Load a pipeline and run it over a .spacy file.

    model (Path): Folder of a trained pipeline.
    data (Path): .spacy file.
    RETURNS (Predictions): In the order of the file.
    """
    nlp = spacy.load(model)
    examples = list(Corpus(data)(nlp))
    start = time.perf_counter()
    docs = nlp.pipe([example.predicted for example in examples])
    for example, doc in zip(
        examples, tqdm(docs, total=len(examples), desc="Predict", disable=None), strict=True
    ):
        example.predicted = doc
    return Predictions(nlp, examples, time.perf_counter() - start)


def score(predictions: Predictions) -> dict[str, Any]:
    """Score as `spacy evaluate` does, under spaCy's keys.

    RETURNS (dict): spaCy's keys, with the thresholds that the pipeline has stored; `cats_acc`
        where every text has exactly one gold label; `ents_ece` and `cats_ece`, the expected
        calibration error of entities and labels that have a confidence; `speed` in words a
        second.
    """
    scores: dict[str, Any] = Scorer(predictions.nlp).score(predictions.examples)
    if (confusion := count_confusion(predictions.examples)) is not None:
        right = sum(n for (gold, guess), n in confusion.items() if gold == guess)
        scores["cats_acc"] = right / max(sum(confusion.values()), 1)
    for kind in list_answers(predictions.nlp, predictions.examples):
        scores[kind.key] = expected_calibration_error(kind.confidences, kind.is_right)
    n_words = sum(len(example.predicted) for example in predictions.examples)
    scores["speed"] = n_words / max(predictions.seconds, 1e-9)
    return {key: value for key, value in scores.items() if value is not None}


def best_label(cats: dict[str, float]) -> str:
    """The label with the highest score; empty where there are none."""
    return max(cats, key=lambda label: cats[label]) if cats else ""


def count_confusion(examples: list[Example]) -> Counter[tuple[str, str]] | None:
    """Count pairs of gold and predicted label.

    RETURNS (Counter): None where the texts have no label, or some have more than one.
    """
    golds = [[k for k, v in example.reference.cats.items() if v > 0.5] for example in examples]
    if (
        not examples
        or any(len(gold) != 1 for gold in golds)
        or not any(e.predicted.cats for e in examples)
    ):
        return None
    return Counter(
        (gold[0], best_label(e.predicted.cats)) for gold, e in zip(golds, examples, strict=True)
    )


def read_commit() -> str:
    """Commit of the project, "-dirty" behind it where files were changed, or "unknown"."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
