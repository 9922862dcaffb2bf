"""What was read, in numbers."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Summary:
    """Counts of one conversion.

    n_rows: Rows or sentences read. n_docs: Docs made of them. n_tokens: their tokens.
    n_pairs: Docs of two texts.
    n_empty: Rows without text, which give no Doc.
    n_duplicates: Rows whose text came before; n_contradictions: those that say something else.
    n_multi: Docs with several labels. n_unlabelled, n_unannotated: Docs without labels or spans
        to learn from, where other Docs have them.
    n_misaligned: Spans that cut a token; n_lost: those of them that gave no annotation.
    n_trimmed: Spans that began or ended in white space, which was taken off.
    n_unmatched: Sentences whose words do not spell their raw text; the words are kept.
    n_unanswerable: Questions that have no answer.
    spans, cats: How often each label was given.
    """

    n_rows: int = 0
    n_docs: int = 0
    n_tokens: int = 0
    n_pairs: int = 0
    n_empty: int = 0
    n_duplicates: int = 0
    n_contradictions: int = 0
    n_multi: int = 0
    n_unlabelled: int = 0
    n_unannotated: int = 0
    n_misaligned: int = 0
    n_lost: int = 0
    n_trimmed: int = 0
    n_unmatched: int = 0
    n_unanswerable: int = 0
    spans: Counter[str] = field(default_factory=Counter)
    cats: Counter[str] = field(default_factory=Counter)

    @property
    def n_spans(self) -> int:
        """Spans that the Docs carry."""
        return sum(self.spans.values())
