"""Records -> spaCy Docs."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from ...errors import DataError, Errors
from ...util.pairs import PAIR_KEY, make_pair_doc
from .options import FormatOptions
from .record import Record, TextSpan
from .split import split_words_at
from .squad_docs import QuestionBuilder
from .summary import Summary


def build_docs(
    nlp: Any, records: Iterable[Record], *, options: FormatOptions, categories: Sequence[str]
) -> tuple[list[Doc], Summary]:
    """Make a Doc of every record that has text.

    nlp (Language): Its tokenizer and vocabulary are used.
    records (Iterable[Record]): The records.
    options (FormatOptions): What to take of them.
    categories (Sequence[str]): All labels of texts (`find_categories`).
    RETURNS (tuple): The Docs in order, and the counts.
    RAISES (DataError): overlapping spans, or a span that cuts a token under align="strict".
    """
    builder = DocBuilder(nlp, options=options, categories=categories)
    return list(builder.build(records)), builder.summary


def find_categories(records: Iterable[Record], options: FormatOptions) -> tuple[str, ...]:
    """Find the labels that every Doc gets a value for: the label list, or all that occur, sorted.

    Find them over all files that belong together: a label that one file lacks is 0.0 there and
    not unknown.
    """
    if options.labels is not None:
        return options.labels if options.wants_cats else ()
    return tuple(sorted({label for record in records for label in record.cats or ()}))


class DocBuilder:
    """Makes Docs and counts what it meets.

    nlp (Language): Its tokenizer and vocabulary are used.
    options (FormatOptions): What to take of the records.
    categories (Sequence[str]): All labels of texts.
    """

    def __init__(self, nlp: Any, *, options: FormatOptions, categories: Sequence[str]) -> None:
        self.nlp = nlp
        self.options = options
        self.categories = tuple(categories)
        self.summary = Summary()
        self._seen: dict[tuple[str, str | None], object] = {}
        self._questions = QuestionBuilder(nlp, self.summary)

    def build(self, records: Iterable[Record]) -> Iterator[Doc]:
        """Yield a Doc for each record that has text."""
        for record in records:
            self.summary.n_rows += 1
            if not record.text.strip():
                self.summary.n_empty += 1
                continue
            if record.question is not None:
                doc = self._questions.make(record.question)
            else:
                self._count_duplicate(record)
                doc = self._make_doc(record)
            self.summary.n_docs += 1
            self.summary.n_pairs += PAIR_KEY in doc.spans
            self.summary.n_tokens += len(doc)
            yield doc

    def _make_doc(self, record: Record) -> Doc:
        spans = self._trim_spans(record)
        doc = self._make_tokens(record, spans)
        if self.options.wants_spans:
            self._set_spans(doc, record, spans)
        if self.options.wants_scores:
            doc.cats = dict(record.cats or {})
            self.summary.cats.update(doc.cats.keys())
        elif self.options.wants_cats and self.categories:
            self._set_cats(doc, record)
        return doc

    def _trim_spans(self, record: Record) -> tuple[TextSpan, ...]:
        """Take white space off the ends of spans, and drop repeated ones."""
        trimmed = []
        for span in record.spans or () if self.options.wants_spans else ():
            text = record.text[span.start : span.end]
            start = span.start + len(text) - len(text.lstrip())
            end = span.end - (len(text) - len(text.rstrip()))
            self.summary.n_trimmed += (start, end) != (span.start, span.end)
            if start < end:
                trimmed.append(TextSpan(start, end, span.label))
            else:
                self.summary.n_lost += 1
        unique = sorted(dict.fromkeys(trimmed))
        if self.options.task != "spancat":
            self._check_overlaps(record, unique)
        return tuple(unique)

    def _check_overlaps(self, record: Record, spans: list[TextSpan]) -> None:
        for one, two in pairwise(spans):
            if two.start < one.end:
                raise DataError(
                    Errors.SB643.format(
                        path=record.path,
                        line=record.line,
                        task=self.options.task,
                        first=_show(one),
                        second=_show(two),
                    )
                )

    def _make_tokens(self, record: Record, spans: tuple[TextSpan, ...]) -> Doc:
        vocab = self.nlp.vocab
        if record.words is not None:
            self.summary.n_unmatched += record.is_text_unmatched
            # Without spaces spaCy knows that they are unknown, and trains on these very tokens
            return Doc(vocab, words=list(record.words), spaces=record.spaces)
        longest = max(len(record.text), len(record.second or ""))
        if longest > self.nlp.max_length:
            raise DataError(
                Errors.SB646.format(
                    path=record.path,
                    line=record.line,
                    expected=self.nlp.max_length,
                    got=longest,
                )
            )
        if record.second is not None:
            return make_pair_doc(self.nlp, record.text, record.second)
        doc = self.nlp.make_doc(record.text)
        if not spans:
            return doc
        cuts = _find_cuts(doc, spans) if self.options.align == "split" else []
        if cuts:
            self.summary.n_misaligned += sum(not set(span[:2]).isdisjoint(cuts) for span in spans)
            words, spaces = split_words_at(
                [token.text for token in doc], [bool(token.whitespace_) for token in doc], cuts
            )
            return Doc(vocab, words=words, spaces=spaces)
        return doc

    def _set_spans(self, doc: Doc, record: Record, spans: tuple[TextSpan, ...]) -> None:
        if record.spans is None:
            self.summary.n_unannotated += 1
            return
        found = [span for span in (self._align(doc, record, span) for span in spans) if span]
        if self.options.task == "spancat":
            # Expanding can make two spans of one label the same
            unique = {(span.start, span.end, span.label): span for span in found}
            self.summary.n_lost += len(found) - len(unique)
            found = list(unique.values())
            doc.spans[self.options.spans_key] = found
        else:
            kept = filter_spans(found)  # expanding can make two spans meet in one token
            self.summary.n_lost += len(found) - len(kept)
            found = kept
            missing = [doc.char_span(start, end) for start, end in record.missing]
            doc.set_ents(found, missing=missing, default="outside")
        self.summary.spans.update(span.label_ for span in found)

    def _align(self, doc: Doc, record: Record, span: TextSpan) -> Span | None:
        exact = doc.char_span(span.start, span.end, label=span.label)
        if exact is not None:
            return exact
        self.summary.n_misaligned += 1
        align = self.options.align
        if align == "strict":
            raise DataError(
                Errors.SB644.format(path=record.path, line=record.line, got=_show(span))
            )
        found = None
        if align != "drop":
            # Tokens that the file prescribes are not split: there the span is expanded
            mode = "contract" if align == "contract" else "expand"
            found = doc.char_span(span.start, span.end, label=span.label, alignment_mode=mode)
        # A contracted span can come back empty
        if found is None or not len(found):
            self.summary.n_lost += 1
            return None
        return found

    def _set_cats(self, doc: Doc, record: Record) -> None:
        if record.cats is None:
            self.summary.n_unlabelled += 1
            return
        doc.cats = {label: record.cats.get(label, 0.0) for label in self.categories}
        self.summary.cats.update(record.positive)
        self.summary.n_multi += len(record.positive) > 1

    def _count_duplicate(self, record: Record) -> None:
        annotation = (record.spans, record.positive)
        text = record.text, record.second
        if text in self._seen:
            self.summary.n_duplicates += 1
            self.summary.n_contradictions += self._seen[text] != annotation
        else:
            self._seen[text] = annotation


def _find_cuts(doc: Doc, spans: tuple[TextSpan, ...]) -> list[int]:
    """Find the ends of spans that lie inside a token."""
    borders = {token.idx for token in doc} | {token.idx + len(token) for token in doc}
    return sorted({end for span in spans for end in span[:2]} - borders)


def _show(span: TextSpan) -> str:
    return f"{span.label} at {span.start} to {span.end}"
