"""The model card: README.md of a repository, out of what a pipeline knows about itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...about import __version__

# Scores that hubs show: key in meta.json -> what the task is called there, and the measure.
SCORES = {
    "ents_p": ("NER", "token-classification", "precision"),
    "ents_r": ("NER", "token-classification", "recall"),
    "ents_f": ("NER", "token-classification", "f_score"),
    "spans_sc_p": ("SPANCAT", "token-classification", "precision"),
    "spans_sc_r": ("SPANCAT", "token-classification", "recall"),
    "spans_sc_f": ("SPANCAT", "token-classification", "f_score"),
    "tag_acc": ("TAG", "token-classification", "accuracy"),
    "pos_acc": ("POS", "token-classification", "accuracy"),
    "dep_las": ("LABELED_DEPENDENCIES", "token-classification", "f_score"),
    "cats_acc": ("TEXTCAT", "text-classification", "accuracy"),
    "cats_macro_f": ("TEXTCAT", "text-classification", "f_score"),
}
# Which components make a pipeline what, in the words of hubs.
TASKS = {
    "token-classification": {"bert_ner", "ner", "bert_spancat", "spancat", "tagger", "parser"},
    "text-classification": {"bert_textcat", "textcat", "textcat_multilabel"},
    "fill-mask": {"bert_fill_mask"},
}
FRONT = re.compile(r"\A---\r?\n.*?^---[ \t]*$", re.MULTILINE | re.DOTALL)
MAX_LABELS = 200


def write_card(
    meta: Mapping[str, Any],
    *,
    repository: str,
    wheel: str | None = None,
    readme: str | None = None,
) -> str:
    """Write the card of a pipeline.

    meta (Mapping): What `nlp.meta` holds: names, licence, labels, scores.
    repository (str): Where it can be downloaded: "owner/name".
    wheel (str | None): Name of the wheel in the repository, if there is one.
    readme (str | None): A README of the author's own. With a YAML block at its head it is the
        card, as it is; without one it takes the place of tables.
    RETURNS (str): Markdown with a YAML block at its head.
    """
    import srsly

    if readme is not None and FRONT.match(readme):
        return readme
    front = srsly.yaml_dumps(_describe(meta), sort_keys=False)
    parts = [f"---\n{front}---"]
    if readme is not None:
        parts.append(readme.strip())
    else:
        parts += [f"# {name_pipeline(meta)}", *_list_features(meta)]
    parts.append(_explain_use(meta, repository, wheel))
    return "\n\n".join(part for part in parts if part) + "\n"


def name_pipeline(meta: Mapping[str, Any]) -> str:
    """The name of a pipeline with its language, as packages have it: "en_pipeline"."""
    lang, name = str(meta.get("lang") or "xx"), str(meta.get("name") or "pipeline")
    return name if name.startswith(f"{lang}_") else f"{lang}_{name}"


def find_tasks(meta: Mapping[str, Any]) -> list[str]:
    """What a pipeline does, in the words of hubs; the names of its components tell."""
    names = set(meta.get("components") or meta.get("pipeline") or ())
    return [task for task, components in TASKS.items() if components & names]


def _describe(meta: Mapping[str, Any]) -> dict[str, Any]:
    tasks = find_tasks(meta)
    found: dict[str, Any] = {
        "library_name": "spacy",
        "tags": ["spacy", "spacy-bert-plugin", *tasks],
    }
    found["language"] = [str(meta.get("lang") or "xx")]
    if meta.get("license"):
        found["license"] = str(meta["license"]).lower()
    if tasks:
        found["pipeline_tag"] = tasks[0]
    results = _list_results(meta)
    if results:
        found["model-index"] = [{"name": name_pipeline(meta), "results": results}]
    return found


def _list_results(meta: Mapping[str, Any]) -> list[dict[str, Any]]:
    by_task: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for key, value in _iter_scores(meta):
        if key in SCORES:
            task, kind, measure = SCORES[key]
            metric = {"name": f"{task} {measure}", "type": measure, "value": round(value, 4)}
            by_task.setdefault((task, kind), []).append(metric)
    return [
        {"task": {"name": task, "type": kind}, "metrics": metrics}
        for (task, kind), metrics in by_task.items()
    ]


def _iter_scores(meta: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for key, value in (meta.get("performance") or {}).items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and key != "speed" and not key.endswith("_loss"):
            yield str(key), float(value)


def _list_features(meta: Mapping[str, Any]) -> list[str]:
    rows = {
        "Version": meta.get("version"),
        "Language": meta.get("lang"),
        "Components": ", ".join(f"`{name}`" for name in meta.get("pipeline") or ()),
        "spaCy": meta.get("spacy_version"),
        "spacy-bert-plugin": __version__,
        "Author": meta.get("author"),
        "Licence": meta.get("license"),
    }
    parts = [str(meta.get("description") or "")]
    parts.append(_table(("", ""), [(k, str(v)) for k, v in rows.items() if v]))
    labels = [
        (f"`{name}`", ", ".join(f"`{x}`" for x in found[:MAX_LABELS]))
        for name, found in (meta.get("labels") or {}).items()
        if found
    ]
    if labels:
        parts += ["## Labels", _table(("component", "labels"), labels)]
    scores = [(f"`{key}`", f"{value:.4f}") for key, value in _iter_scores(meta)]
    if scores:
        parts += ["## Scores", _table(("measure", "value"), scores)]
    return parts


def _explain_use(meta: Mapping[str, Any], repository: str, wheel: str | None) -> str:
    lines = ["## How to use it", "", "```bash", "pip install spacy-bert-plugin", "```", ""]
    lines += ["```python", "import spacy", "from huggingface_hub import snapshot_download", ""]
    lines += [f'nlp = spacy.load(snapshot_download("{repository}"))', "```"]
    if wheel is not None:
        url = f"https://huggingface.co/{repository}/resolve/main/{wheel}"
        package = name_pipeline(meta)
        lines += ["", "Or as a package:", "", "```bash", f"pip install '{package} @ {url}'", "```"]
    return "\n".join(lines)


def _table(header: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    cells = [header, ("---", "---"), *rows]
    return "\n".join(f"| {_escape(left)} | {_escape(right)} |" for left, right in cells)


def _escape(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
