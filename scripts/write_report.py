"""Write a page about a trained pipeline: scores, curves, confidences, and what it made of the test
texts.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import srsly
import typer
from confidences import choose_labels, list_answers, read_thresholds
from predictions import count_confusion, predict
from spacy.training import Example
from wasabi import msg

from spacy_bert_plugin.cli import run_curves
from spacy_bert_plugin.heads.reliability import bin_confidences
from spacy_bert_plugin.viz import (
    Chart,
    Confusion,
    Fact,
    LabelRow,
    LabelTable,
    Reliability,
    ReliabilityBin,
    Report,
    Sentence,
    Span,
    draw_report,
)

HEADLINES = {
    "cats_acc": ("Label accuracy", "texts whose best label is the gold one"),
    "ents_f": ("Span F", "exact boundaries and label"),
    "ents_p": ("Span precision", "of the spans found"),
    "ents_r": ("Span recall", "of the gold spans"),
    "cats_macro_f": ("Macro F of labels", "every label counts the same"),
    "cats_ece": ("Calibration error of labels", "confidence against share of right labels"),
    "ents_ece": ("Calibration error of spans", "confidence against share of right spans"),
}
FACTS = ("n_docs", "seed", "epochs", "steps", "minutes", "commit", "spacy")
NAMES = {
    "n_docs": "test texts",
    "minutes": "minutes of training",
    "spacy": "spaCy",
    "speed": "words a second",
}


def make_tables(scores: dict[str, Any], examples: Sequence[Example]) -> tuple[LabelTable, ...]:
    """Scores of each label, the best first."""
    golds = [ent.label_ for example in examples for ent in example.reference.ents]
    cats = [k for example in examples for k, v in example.reference.cats.items() if v > 0.5]
    tables = []
    for key, title, found in (
        ("cats_f_per_type", "Labels of texts", cats),
        ("ents_per_type", "Spans", golds),
    ):
        rows = [
            LabelRow(name, found.count(name), s["p"], s["r"], s["f"])
            for name, s in (scores.get(key) or {}).items()
        ]
        if rows:
            tables.append(
                LabelTable(title, tuple(sorted(rows, key=lambda row: (-row.f, row.label))))
            )
    return tuple(tables)


def make_charts(log: Path, nlp: Any) -> tuple[Chart, ...]:
    """Curves over the steps of training, as in the picture that a run draws of itself.

    log (Path): Log of the run, jsonl; there are no curves without it.
    nlp (Language): The pipeline; the scores that count in its config are drawn.
    """
    rows = list(srsly.read_jsonl(log)) if log.is_file() else []
    weights = nlp.config["training"]["score_weights"]
    shown = sorted((k for k, v in weights.items() if v is not None), key=lambda k: -weights[k])
    return tuple(run_curves.make_charts(rows, shown=shown))


def make_reliabilities(nlp: Any, examples: Sequence[Example]) -> tuple[Reliability, ...]:
    """Confidence beside the share of right answers, for each kind of them."""
    drawn = []
    for kind in list_answers(nlp, examples):
        error, bins = bin_confidences(kind.confidences, kind.is_right)
        rows = tuple(ReliabilityBin(b.low, b.high, b.n, b.confidence, b.share) for b in bins)
        drawn.append(Reliability(kind.title, error, rows))
    return tuple(drawn)


def make_confusions(examples: list[Example]) -> tuple[Confusion, ...]:
    """Gold against predicted label of texts that have exactly one."""
    counts = count_confusion(examples)
    if counts is None:
        return ()
    labels = sorted({label for pair in counts for label in pair})
    rows = tuple(tuple(counts[gold, guess] for guess in labels) for gold in labels)
    return (Confusion("Which labels are mixed up", tuple(labels), rows),)


def make_sentence(example: Example, thresholds: dict[str, float] | None = None) -> Sentence:
    """One test text with gold and predicted spans and labels.

    thresholds (dict): Score from which on each label holds; None: exactly one holds.
    """
    gold = {(ent.start_char, ent.end_char, ent.label_) for ent in example.reference.ents}
    guess = {(ent.start_char, ent.end_char, ent.label_) for ent in example.predicted.ents}
    positive = [k for k, v in example.reference.cats.items() if v > 0.5]
    label = ", ".join(sorted(positive))
    guessed = ", ".join(sorted(choose_labels(example.predicted.cats, thresholds)))
    return Sentence(
        text=example.reference.text,
        is_right=gold == guess and label == guessed,
        gold=tuple(Span(*span, is_right=span in guess) for span in sorted(gold)),
        predicted=tuple(Span(*span, is_right=span in gold) for span in sorted(guess)),
        gold_label=label,
        predicted_label=guessed,
    )


def choose_sentences(sentences: Sequence[Sentence], n: int) -> tuple[tuple[Sentence, ...], str]:
    """Errors first: up to two thirds of `n` of them, then texts that were read right."""
    wrong = [sentence for sentence in sentences if not sentence.is_right]
    right = [sentence for sentence in sentences if sentence.is_right]
    shown = wrong[: max(n * 2 // 3, n - len(right))]
    shown += right[: n - len(shown)]
    n_wrong = sum(not sentence.is_right for sentence in shown)
    note = (
        f"{len(wrong):,} of {len(sentences):,} have an error somewhere. Shown: {n_wrong:,} of "
        f"these, as they should be read and as they were, with what differs framed; then "
        f"{len(shown) - n_wrong:,} that were read right."
    )
    return tuple(shown), note


def make_report(
    model: Path, data: Path, log: Path, scores: dict[str, Any], *, title: str, n: int
) -> Report:
    """Compute all that stands on the page.

    model (Path), data (Path): Folder of the pipeline and .spacy file of the test set.
    log (Path): Log of the training; without one there are no curves.
    scores (dict): As evaluate_pipeline.py stores them.
    title (str), n (int): Title, and number of test texts to show.
    RETURNS (Report): For `spacy_bert_plugin.viz.draw_report`.
    """
    predictions = predict(model, data)
    nlp, examples = predictions.nlp, predictions.examples
    thresholds = read_thresholds(nlp)
    drawn = [make_sentence(example, thresholds) for example in examples]
    sentences, note = choose_sentences(drawn, n)
    facts = [Fact(NAMES.get(key, key), str(scores[key])) for key in FACTS if key in scores]
    return Report(
        title=title,
        subtitle=f"{' → '.join(nlp.pipe_names)}, on {len(examples):,} test texts",
        headline=tuple(
            Fact(name, f"{100 * scores[key]:.1f} %", hint)
            for key, (name, hint) in HEADLINES.items()
            if key in scores
        ),
        facts=(*facts, Fact(NAMES["speed"], f"{scores.get('speed', 0):,.0f}")),
        tables=make_tables(scores, examples),
        charts=make_charts(log, nlp),
        reliabilities=make_reliabilities(nlp, examples),
        confusions=make_confusions(examples),
        sentences=sentences,
        sentences_note=note,
    )


def main(
    model: Path,
    data: Path,
    log: Path,
    metrics: Path,
    out: Path,
    title: str = "Trained pipeline",
    n: int = 90,
) -> None:
    """Write the page OUT about MODEL, its test file DATA, its training LOG and its METRICS."""
    for path in (model, data, metrics):
        if not path.exists():
            msg.fail(
                f"There is no {path}",
                "Run the steps of project.yml before this one first.",
                exits=1,
            )
    report = make_report(model, data, log, srsly.read_json(metrics), title=title, n=n)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(draw_report(report), encoding="utf8")
    msg.good(f"Wrote {out}", "Open it in a browser.")


if __name__ == "__main__":
    typer.run(main)
