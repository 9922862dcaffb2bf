"""README.md of an exported checkpoint, filled in from the pipeline's meta."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from spacy.language import Language

from ...about import __version__
from .layouts import ENCODER, TEXTS, TOKENS

if TYPE_CHECKING:
    from .export import ExportReport

CARD = "README.md"
HUB_TASKS = {
    TOKENS: "token-classification",
    TEXTS: "text-classification",
    ENCODER: "feature-extraction",
}
# Scores of spaCy's meta that say how good a head is, with words for them.
SCORES = {
    "ents_f": "F score of entities",
    "ents_p": "Precision of entities",
    "ents_r": "Recall of entities",
    "cats_score": "Score of categories",
    "cats_micro_f": "Micro F score of categories",
    "cats_macro_f": "Macro F score of categories",
    "cats_macro_auc": "Macro AUC of categories",
}


def write_card(nlp: Language, report: ExportReport) -> str:
    """Write a model card.

    nlp (Language): The pipeline; name, languages, license, author and scores are its meta's.
    report (ExportReport): What was exported.
    RETURNS (str): Markdown under a header that the hub reads.
    """
    meta = nlp.meta
    title = f"{meta['lang']}_{meta.get('name') or 'pipeline'}"
    lines = [*_write_header(meta, report, title), "", f"# {title}", ""]
    if meta.get("description"):
        lines += [str(meta["description"]), ""]
    lines += [
        f"`{report.architecture}`, exported from the component `{report.component}` of a spaCy "
        f"pipeline by spacy-bert-plugin {__version__}.",
        "",
        "```python",
        f"from transformers import {report.opens_with}, AutoTokenizer",
        "",
        'tokenizer = AutoTokenizer.from_pretrained("path/or/hub-name")',
        f'model = {report.opens_with}.from_pretrained("path/or/hub-name")',
        "```",
        "",
    ]
    if report.outputs:
        lines += ["## Labels", "", ", ".join(f"`{name}`" for name in report.outputs), ""]
    scores = list(_list_scores(meta, report))
    if scores:
        lines += ["## Scores", "", "Measured by the pipeline, on its development data.", ""]
        lines += ["| score | value |", "|---|---|"]
        lines += [f"| {name} | {value:.2f} |" for name, value in scores]
        lines += [""]
    if report.notes:
        lines += ["## What to know", "", *(f"* {note}" for note in report.notes), ""]
    for key in ("author", "email", "url", "license"):
        if meta.get(key):
            lines.append(f"{key.capitalize()}: {meta[key]}  ")
    return "\n".join(lines).rstrip() + "\n"


def _write_header(meta: dict[str, Any], report: ExportReport, title: str) -> Iterator[str]:
    """The header, in YAML; every value is written as JSON, which is YAML as well."""
    yield "---"
    fields: dict[str, Any] = {
        "language": [meta["lang"]],
        "library_name": "transformers",
        "pipeline_tag": HUB_TASKS[report.task],
        "tags": ["spacy-bert-plugin"],
    }
    if meta.get("license"):
        fields["license"] = str(meta["license"]).lower()
    metrics = [
        {"name": name, "type": "f1" if " F " in f" {name} " else "score", "value": value / 100}
        for name, value in _list_scores(meta, report)
    ]
    if metrics:
        task = {"type": HUB_TASKS[report.task]}
        fields["model-index"] = [{"name": title, "results": [{"task": task, "metrics": metrics}]}]
    for key, value in fields.items():
        yield f"{key}: {json.dumps(value, ensure_ascii=False)}"
    yield "---"


def _list_scores(meta: dict[str, Any], report: ExportReport) -> Iterator[tuple[str, float]]:
    """Scores of the exported head, in percent."""
    start = {TOKENS: "ents_", TEXTS: "cats_"}.get(report.task, "none")
    for key, name in SCORES.items():
        value = meta.get("performance", {}).get(key)
        if key.startswith(start) and isinstance(value, int | float):
            yield name, 100.0 * value
