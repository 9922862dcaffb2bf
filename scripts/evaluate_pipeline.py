"""Score a trained pipeline on a test file, print the scores of each label, and store them.

The stored keys are spaCy's own, plus: `cats_acc`, the share of texts whose highest-scored label is
the gold one (where every text has exactly one); `ents_ece` and `cats_ece`, the expected calibration
error of entities and of labels given to texts; seed, commit, minutes and epochs of training; number
of texts; speed in words a second.
"""

from pathlib import Path
from typing import Any

import spacy
import srsly
import typer
from predictions import predict, read_commit, score
from wasabi import msg

HEADLINES = {
    "cats_acc": "Accuracy of labels",
    "cats_score": "Score of labels",
    "cats_macro_f": "Macro F of labels",
    "ents_p": "Precision of spans",
    "ents_r": "Recall of spans",
    "ents_f": "F of spans",
    "cats_ece": "Calibration error of labels",
    "ents_ece": "Calibration error of spans",
}


def read_run(folder: Path) -> dict[str, Any]:
    """What a training left beside its models: minutes, epochs and steps, as far as known.

    folder (Path): With log.jsonl, as `spacy bert train` writes it.
    RETURNS (dict): Keys `minutes`, `epochs`, `steps`; none without a log.
    """
    path = folder / "log.jsonl"
    rows = list(srsly.read_jsonl(path)) if path.is_file() else []
    if not rows:
        return {}
    last = rows[-1]
    minutes = round(last["seconds"] / 60, 2)
    return {"epochs": last["epoch"] + 1, "steps": last["step"], "minutes": minutes}


def evaluate(model: Path, data: Path) -> dict[str, Any]:
    """Score a pipeline.

    model (Path): Folder of the pipeline; what training left is looked for beside it.
    data (Path): .spacy file.
    RETURNS (dict): Scores and circumstances, as stored.
    """
    predictions = predict(model, data)
    settings = predictions.nlp.config.interpolate()
    return {
        **score(predictions),
        "n_docs": len(predictions.examples),
        "seed": settings["training"]["seed"],
        "commit": read_commit(),
        **read_run(model.parent),
        "spacy": spacy.__version__,
    }


def print_labels(title: str, per_type: dict[str, dict[str, float]]) -> None:
    """Print precision, recall and F of each label."""
    rows = [(name, *(f"{100 * s[k]:.1f}" for k in "prf")) for name, s in sorted(per_type.items())]
    msg.divider(title)
    msg.table(rows, header=("Label", "P", "R", "F"), aligns=("l", "r", "r", "r"), divider=True)


def main(model: Path, data: Path, out: Path) -> None:
    """Score MODEL on the .spacy file DATA and write the scores to OUT."""
    for path in (model, data):
        if not path.exists():
            msg.fail(
                f"There is no {path}",
                "Run the training and data steps of project.yml first.",
                exits=1,
            )
    scores = evaluate(model, data)
    for key, title in (("cats_f_per_type", "Labels of texts"), ("ents_per_type", "Spans")):
        if scores.get(key):
            print_labels(title, scores[key])
    msg.divider("All together")
    shown = [(name, f"{100 * scores[key]:.2f}") for key, name in HEADLINES.items() if key in scores]
    shown += [
        (key, scores[key])
        for key in ("n_docs", "seed", "epochs", "minutes", "commit")
        if key in scores
    ]
    msg.table(shown, aligns=("l", "r"))
    out.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(out, scores)
    msg.good(f"Wrote {out}")


if __name__ == "__main__":
    typer.run(main)
