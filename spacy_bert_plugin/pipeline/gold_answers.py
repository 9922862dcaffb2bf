"""The right answers of questions: where they are kept, and where they lie among the tokens.

    doc.spans["gold_answers"]                      spans in the context, several or none
    doc.spans["gold_answers"].attrs["texts"]       as they are written, which is what is scored
    doc.spans["gold_answers"].attrs["id"]          of the question

An answer that cuts a token is a span of whole tokens around it; its text stays what it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc
from spacy.training import Example

from ..training.formats.squad_docs import GOLD_KEY
from ..util.pairs import check_sides, read_pair
from .gold_spans import has_same_tokens

N_SAMPLES = 10
# Right answers of one question, [start, end) in tokens; None: not known.
AnswersT = list[tuple[int, int]] | None


@dataclass
class AnswerCounts:
    """What there is to learn from.

    n_questions: Pairs whose answers are known; n_unanswerable: those without any.
    n_answers: Right answers; n_lost: those that are no tokens of the context.
    n_long: Answers of too many tokens; longest: tokens of the longest.
    """

    n_questions: int = 0
    n_unanswerable: int = 0
    n_answers: int = 0
    n_lost: int = 0
    n_long: int = 0
    longest: int = 0


def read_gold(
    examples: Sequence[Example], counts: AnswerCounts | None = None, *, max_tokens: int = 0
) -> list[AnswersT]:
    """Read the right answers of a batch in the tokens of its predicted Docs.

    counts (AnswerCounts): What is met is counted in here.
    max_tokens (int): Answers with more tokens than this count as long.
    RETURNS (list): One an Example. None: no pair, no annotation, or none of it usable.
    """
    counts = AnswerCounts() if counts is None else counts
    return [_read_one(example, counts, max_tokens) for example in examples]


def _read_one(example: Example, counts: AnswerCounts, max_tokens: int) -> AnswersT:
    doc, reference = example.predicted, example.reference
    pair = read_pair(doc)
    if pair is None or GOLD_KEY not in reference.spans:
        return None
    annotated = list(reference.spans[GOLD_KEY])
    counts.n_questions += 1
    counts.n_answers += len(annotated)
    counts.n_unanswerable += not annotated
    if not has_same_tokens(example):
        aligned = example.get_aligned_spans_y2x(annotated, allow_overlap=True)
    else:
        aligned = annotated
    found = sorted({(s.start, s.end) for s in aligned if pair.second.start <= s.start < s.end})
    counts.n_lost += len(annotated) - len([s for s in aligned if s.start >= pair.second.start])
    lengths = [end - start for start, end in found]
    counts.n_long += sum(length > max_tokens for length in lengths)
    counts.longest = max([counts.longest, *lengths])
    return None if annotated and not found else found


def read_gold_texts(reference: Doc) -> list[str] | None:
    """Read the right answers of a question as they are written.

    RETURNS (list): Empty: it has no answer. None: not annotated.
    """
    if GOLD_KEY not in reference.spans:
        return None
    group = reference.spans[GOLD_KEY]
    texts: Any = group.attrs.get("texts")
    return [span.text for span in group] if texts is None else [str(text) for text in texts]


@dataclass(frozen=True)
class Survey:
    """What the Examples that a head is initialised with are like.

    counts: What there is to learn from.
    samples: A few of the Docs.
    """

    counts: AnswerCounts
    samples: list[Doc]


def survey_answers(examples: Iterable[Example], *, max_tokens: int) -> Survey:
    """Look through Examples once."""
    counts = AnswerCounts()
    samples: list[Doc] = []
    for example in examples:
        check_sides([example])
        read_gold([example], counts, max_tokens=max_tokens)
        if len(samples) < N_SAMPLES:
            samples.append(example.reference)
    return Survey(counts, samples)


__all__ = [
    "GOLD_KEY",
    "AnswerCounts",
    "AnswersT",
    "Survey",
    "read_gold",
    "read_gold_texts",
    "survey_answers",
]
