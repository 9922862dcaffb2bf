"""SQuAD files, 1.1 and 2.0: paragraphs, and questions with the answers that stand in them.

    {"data": [{"title", "paragraphs": [{"context", "qas": [
        {"id", "question", "answers": [{"text", "answer_start"}], "is_impossible"}]}]}]}

Papers: Rajpurkar et al. (2016), https://arxiv.org/abs/1606.05250, and (2018),
https://arxiv.org/abs/1806.03822
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import DataError, Errors
from .jsonl import LONE_SURROGATE
from .record import Question, TextAnswer


def read_squad(path: Path, text: str) -> list[Question]:
    """Read a SQuAD file.

    path (Path), text (str): The file, and what it holds.
    RETURNS (list): Its questions, in order.
    RAISES (DataError): It is no such file, a question or context is empty, an answer does not
        stand where it is said to, or an id stands there twice. The message names file and id.
    """
    try:
        root = json.loads(text)
    except (ValueError, RecursionError) as error:
        problem, place = f"it is no JSON ({error})", "the top"
        raise DataError(Errors.SB876.format(path=path, problem=problem, place=place)) from error
    found = list(_SquadReader(path).read(root))
    seen: set[str] = set()
    for question in found:
        if question.id in seen:
            raise DataError(Errors.SB879.format(path=path, id=question.id))
        seen.add(question.id)
    return found


class _SquadReader:
    """Reads one file; keeps its path for messages."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, root: Any) -> Iterator[Question]:
        for i, article in enumerate(self._list(root, "data", "the top")):
            place = f"data[{i}]"
            title = article.get("title", "") if isinstance(article, dict) else ""
            for j, paragraph in enumerate(self._list(article, "paragraphs", place)):
                here = f"{place}.paragraphs[{j}]"
                for k, row in enumerate(self._list(paragraph, "qas", here)):
                    where = f"{here}.qas[{k}]"
                    context = self._text(paragraph, "context", here)
                    yield self._read_question(row, context, str(title), where)

    def _read_question(self, row: Any, context: str, title: str, place: str) -> Question:
        name = row.get("id") if isinstance(row, dict) else None
        if not isinstance(name, str | int) or isinstance(name, bool) or not str(name):
            raise self._refuse("a question has no 'id'", place)
        question = self._text(row, "question", place)
        for what, text in (("question", question), ("context", context)):
            if not text.strip():
                raise DataError(Errors.SB877.format(path=self.path, id=name, what=what))
        answers = None
        if row.get("answers") is not None:
            rows = self._list(row, "answers", place)
            answers = tuple(self._read_answer(each, context, str(name), place) for each in rows)
        if row.get("is_impossible") is True:
            if answers:
                n_answers = len(answers)
                raise DataError(Errors.SB880.format(path=self.path, id=name, n_answers=n_answers))
            answers = ()
        return Question(
            path=self.path,
            id=str(name),
            question=question,
            context=context,
            answers=answers,
            title=title,
        )

    def _read_answer(self, row: Any, context: str, name: str, place: str) -> TextAnswer:
        text = self._text(row, "text", f"{place}.answers")
        start = row.get("answer_start")
        if not isinstance(start, int) or isinstance(start, bool):
            raise self._refuse("an answer has no number 'answer_start'", f"{place}.answers")
        if not text.strip():
            raise DataError(Errors.SB877.format(path=self.path, id=name, what="answer"))
        got = context[start : start + len(text)] if start >= 0 else ""
        if got != text:
            raise DataError(
                Errors.SB878.format(
                    path=self.path, id=name, answer=text[:80], start=start, got=got[:80]
                )
            )
        return TextAnswer(text, start)

    def _list(self, value: Any, key: str, place: str) -> list[Any]:
        found = value.get(key) if isinstance(value, Mapping) else None
        if not isinstance(found, list):
            raise self._refuse(f"there is no list '{key}'", place)
        return found

    def _text(self, value: Any, key: str, place: str) -> str:
        found = value.get(key) if isinstance(value, Mapping) else None
        if not isinstance(found, str):
            raise self._refuse(f"there is no text '{key}'", place)
        if LONE_SURROGATE.search(found):
            raise self._refuse(f"'{key}' has one half of a character (a lone surrogate)", place)
        return found

    def _refuse(self, problem: str, place: str) -> DataError:
        return DataError(Errors.SB876.format(path=self.path, problem=problem, place=place))
