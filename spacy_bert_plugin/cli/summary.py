"""What `convert` tells about the files that it wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .report import print_table, say_good, say_warning

if TYPE_CHECKING:
    from ..training.formats import FormatOptions, Summary
    from .convert import Converted

FACTS = (
    ("rows read", "n_rows", True),
    ("documents", "n_docs", True),
    ("  of two texts", "n_pairs", False),
    ("tokens", "n_tokens", True),
    ("spans", "n_spans", False),
    ("texts with several labels", "n_multi", False),
    ("texts without labels", "n_unlabelled", False),
    ("texts without spans to learn", "n_unannotated", False),
    ("questions without an answer", "n_unanswerable", False),
    ("empty texts, left out", "n_empty", False),
    ("repeated texts", "n_duplicates", False),
    ("  annotated otherwise", "n_contradictions", False),
    ("spans that cut a token", "n_misaligned", False),
    ("spans lost", "n_lost", False),
    ("spans freed of white space", "n_trimmed", False),
    ("words unlike their '# text ='", "n_unmatched", False),
)
TREATED = {
    "expand": "expanded to whole tokens",
    "contract": "contracted to whole tokens",
    "split": "kept by splitting the token",
    "drop": "dropped",
}


def print_summaries(converted: Sequence[Converted], options: FormatOptions) -> None:
    """Print counts and labels, side by side for all outputs, and what to look at."""
    names = [path.name for path, _ in converted]
    summaries = [summary for _, summary in converted]
    print_table(list_facts(summaries), header=["", *names])
    for title, kind in (("label of texts", "cats"), ("label of spans", "spans")):
        rows = list_labels([getattr(summary, kind) for summary in summaries])
        if rows:
            print_table(rows, header=[title, *names])
    for warning in list_warnings(converted, options):
        say_warning(warning)
    for path, _ in converted:
        say_good(f"Wrote {path}")


def list_facts(summaries: Sequence[Summary]) -> list[list[str | int]]:
    """Counts by name, one column for each summary; those that are 0 everywhere are left out."""
    rows: list[list[str | int]] = []
    for title, name, is_always in FACTS:
        values = [getattr(summary, name) for summary in summaries]
        if name in ("n_unlabelled", "n_unannotated"):
            # Texts lack spans only where other texts have them
            values = [n * (n < s.n_docs) for n, s in zip(values, summaries, strict=True)]
        if is_always or any(values):
            rows.append([title, *values])
    return rows


def list_labels(counts: Sequence[Counter[str]]) -> list[list[str | int]]:
    """Labels with their counts, the most frequent first."""
    total = sum(counts, Counter[str]())
    return [[label, *(count[label] for count in counts)] for label, _ in total.most_common()]


def list_warnings(converted: Sequence[Converted], options: FormatOptions) -> list[str]:
    """Say what may spoil training: cut spans, labels that the first file lacks."""
    found = []
    align = options.align
    n_misaligned = sum(summary.n_misaligned for _, summary in converted)
    n_lost = sum(summary.n_lost for _, summary in converted)
    if n_misaligned:
        is_squad = any(summary.spans.keys() == {"answer"} for _, summary in converted)
        hint = " To keep them exactly, use --align split."
        hint = "" if align == "split" or is_squad else hint
        found.append(
            f"{n_misaligned} span(s) cut a token: {TREATED.get(align, align)}, "
            f"{n_lost} of all spans lost.{hint}"
        )
    if options.task != "text" and not any(s.cats or s.spans for _, s in converted):
        found.append("No labels and no spans were found: there is nothing to learn from.")
    labels = [label for _, summary in converted for label in summary.cats]
    if labels and all(re.fullmatch(r"[\d,]+", label) for label in labels):
        found.append(
            f"All labels of texts look like numbers ({labels[0]}): if they count into a list of "
            "labels, name it with --labels."
        )
    first = converted[0]
    for path, summary in converted[1:]:
        for kind in ("cats", "spans"):
            strange = sorted(set(getattr(summary, kind)) - set(getattr(first.summary, kind)))
            if strange and getattr(first.summary, kind):
                found.append(
                    f"{path.name} has labels that {first.path.name} lacks: {', '.join(strange)}"
                )
    return found
