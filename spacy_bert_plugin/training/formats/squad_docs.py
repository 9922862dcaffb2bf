"""Questions -> Docs of two texts with the right answers as spans, and back.

    question and context    one Doc; doc.spans["pair"] says where each lies
    right answers           doc.spans["gold_answers"], in whole tokens of the context
    as they are written     doc.spans["gold_answers"].attrs: "texts", "starts", "id", "title"

No group: the answers are not known. An empty one: the question has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from ...errors import DataError, Errors
from ...util.pairs import PAIR_KEY, join_texts
from .record import Question, TextAnswer
from .summary import Summary

GOLD_KEY = "gold_answers"


class QuestionBuilder:
    """Makes Docs of questions. A context that comes again is not tokenised again.

    nlp (Language): Its tokenizer and vocabulary are used.
    summary (Summary): Counts what is met.
    """

    def __init__(self, nlp: Language, summary: Summary | None = None) -> None:
        self.nlp = nlp
        self.summary = Summary() if summary is None else summary
        self._context = ""
        self._doc: Doc | None = None

    def build(self, questions: Iterable[Question]) -> Iterator[Doc]:
        """Yield a Doc for each question. RAISES (DataError): A text is too long."""
        for question in questions:
            yield self.make(question)

    def make(self, question: Question) -> Doc:
        """Make the Doc of one question. RAISES (DataError): A text is too long."""
        asked = self._tokenize(question.question, question)
        if self._doc is None or question.context != self._context:
            self._context = question.context
            self._doc = self._tokenize(question.context, question)
        doc = join_texts([asked, self._doc], PAIR_KEY)
        if question.answers is not None:
            self._set_answers(doc, question, begin=doc[len(asked)].idx)
        return doc

    def _tokenize(self, text: str, question: Question) -> Doc:
        if len(text) > self.nlp.max_length:
            expected, got = self.nlp.max_length, len(text)
            raise DataError(
                Errors.SB646.format(
                    path=question.path, line=f"id {question.id}", expected=expected, got=got
                )
            )
        return self.nlp.make_doc(text)

    def _set_answers(self, doc: Doc, question: Question, *, begin: int) -> None:
        answers = question.answers or ()
        spans = [self._find_span(doc, answer, begin) for answer in answers]
        attrs = {
            "texts": [answer.text for answer in answers],
            "starts": [answer.start for answer in answers],
            "id": question.id,
            "title": question.title,
        }
        doc.spans[GOLD_KEY] = SpanGroup(doc, name=GOLD_KEY, attrs=attrs, spans=spans)
        self.summary.n_unanswerable += not answers
        self.summary.spans.update({"answer": len(spans)} if spans else {})

    def _find_span(self, doc: Doc, answer: TextAnswer, begin: int) -> Span:
        """The tokens that an answer lies in; white space at its ends is not part of it."""
        text = answer.text
        start = begin + answer.start + len(text) - len(text.lstrip())
        end = begin + answer.start + len(text.rstrip())
        exact = doc.char_span(start, end)
        if exact is not None:
            return exact
        self.summary.n_misaligned += 1
        return doc.char_span(start, end, alignment_mode="expand")


def make_squad(docs: Iterable[Doc]) -> dict[str, Any]:
    """Make what a SQuAD file holds of Docs of questions, with their right answers.

    docs (Iterable[Doc]): Pairs; questions on one context that follow each other share it.
    RETURNS (dict): Version 2.0 if a question has no answer, else 1.1.
    """
    articles: list[dict[str, Any]] = []
    is_second = False
    for number, doc in enumerate(docs):
        first, second = doc.spans[PAIR_KEY]
        group = doc.spans.get(GOLD_KEY)
        attrs = {} if group is None else group.attrs
        row: dict[str, Any] = {"id": str(attrs.get("id", number)), "question": first.text}
        if group is not None:
            row["answers"] = [
                {"text": text, "answer_start": start}
                for text, start in read_text_answers(group, second)
            ]
            row["is_impossible"] = not row["answers"]
            is_second |= row["is_impossible"]
        title = str(attrs.get("title", ""))
        if not articles or articles[-1]["title"] != title:
            articles.append({"title": title, "paragraphs": []})
        paragraphs = articles[-1]["paragraphs"]
        if not paragraphs or paragraphs[-1]["context"] != second.text:
            paragraphs.append({"context": second.text, "qas": []})
        paragraphs[-1]["qas"].append(row)
    return {"version": "2.0" if is_second else "1.1", "data": articles}


def write_squad(path: Path, docs: Iterable[Doc]) -> None:
    """Write Docs of questions as a SQuAD file. See `make_squad`."""
    text = json.dumps(make_squad(docs), ensure_ascii=False)
    path.write_text(text, encoding="utf-8")


def read_text_answers(group: SpanGroup, context: Span) -> list[TextAnswer]:
    """Read right answers as they are written, their characters counted in the context."""
    attrs = group.attrs
    if "texts" in attrs and "starts" in attrs:
        pairs = zip(attrs["texts"], attrs["starts"], strict=True)
        return [TextAnswer(str(text), int(start)) for text, start in pairs]
    return [TextAnswer(span.text, span.start_char - context.start_char) for span in group]
