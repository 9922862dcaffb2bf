"""How many right answers of XQuAD and CMRC 2018 are whole tokens of spaCy's blank tokenizers.

    python benchmarks/answer_offsets.py --data-dir ../shared/data

An answer that cuts a token is read as the whole tokens around it; how many these are, and what
that costs in exact match and F1 (the best that any system can reach), is counted for each
language. Chinese is cut into characters.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from report import RESULTS

FILES = {
    "xquad en": ("xquad/xquad.en.json", "en"),
    "xquad de": ("xquad/xquad.de.json", "de"),
    "xquad es": ("xquad/xquad.es.json", "es"),
    "xquad zh": ("xquad/xquad.zh.json", "zh"),
    "cmrc2018 trial": ("cmrc2018/cmrc2018_trial.json", "zh"),
    "cmrc2018 dev": ("cmrc2018/cmrc2018_dev.json", "zh"),
    "squad_en test": ("squad_en/test.json", "en"),
}
COLUMNS = ("questions", "empty", "answers", "exact", "cut", "shifted", "best_em", "best_f1")


def main() -> None:
    """Count, print, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, default=RESULTS / "answer_offsets.json")
    arguments = parser.parse_args()
    found = {
        name: count_answers(arguments.data_dir / file, lang) for name, (file, lang) in FILES.items()
    }
    print(f"{'':16}" + "".join(f"{column:>11}" for column in COLUMNS))
    for name, counts in found.items():
        print(f"{name:16}" + "".join(f"{counts[column]:>11}" for column in COLUMNS))
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf8")


def count_answers(path: Path, lang: str) -> dict[str, Any]:
    """Count the answers of a file.

    RETURNS (dict): "empty": questions without a word, which are left out; "exact": answers that
        are whole tokens; "cut": those that are part of the tokens around them; "shifted": not
        even that, which would be a fault; "best_em" and "best_f1": scores, in percent, of who
        always answers with the tokens.
    """
    import spacy

    from spacy_bert_plugin.heads.answer_scores import score_answer
    from spacy_bert_plugin.pipeline.answer_scoring import METHOD_OF
    from spacy_bert_plugin.training.formats.squad import read_squad
    from spacy_bert_plugin.training.formats.squad_docs import GOLD_KEY, QuestionBuilder

    text, n_empty = drop_empty(path.read_text(encoding="utf8"))
    questions = read_squad(path, text)
    counts = dict.fromkeys(("exact", "cut", "shifted"), 0)
    totals = [0.0, 0.0]
    method = METHOD_OF.get(lang, "squad")
    for question, doc in zip(
        questions, QuestionBuilder(spacy.blank(lang)).build(questions), strict=True
    ):
        texts = [answer.text for answer in question.answers or ()]
        spans = list(doc.spans[GOLD_KEY])
        for text, span in zip(texts, spans, strict=True):
            is_exact, is_inside = span.text == text.strip(), text.strip() in span.text
            counts["exact" if is_exact else "cut" if is_inside else "shifted"] += 1
        scores = [score_answer(span.text, texts, method=method) for span in spans]
        best = [max(column) for column in zip(*scores, strict=True)]
        totals = [total + score for total, score in zip(totals, best, strict=True)]
    return {
        "questions": len(questions),
        "empty": n_empty,
        "answers": sum(counts.values()),
        **counts,
        "best_em": round(100 * totals[0] / len(questions), 2),
        "best_f1": round(100 * totals[1] / len(questions), 2),
    }


def drop_empty(text: str) -> tuple[str, int]:
    """Leave out what no reader takes: questions of white space. RETURNS: The rest, their number."""
    root, n_empty = json.loads(text), 0
    for article in root["data"]:
        for paragraph in article["paragraphs"]:
            kept = [row for row in paragraph["qas"] if row["question"].strip()]
            n_empty += len(paragraph["qas"]) - len(kept)
            paragraph["qas"] = kept
    return json.dumps(root), n_empty


if __name__ == "__main__":
    main()
