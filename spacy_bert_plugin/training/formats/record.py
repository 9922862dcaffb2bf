"""What every reader makes of a row."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class TextSpan(NamedTuple):
    """A labelled stretch of text: `text[start:end]`, counted in characters."""

    start: int
    end: int
    label: str


class TextAnswer(NamedTuple):
    """An answer: `context[start : start + len(text)] == text`, counted in characters."""

    text: str
    start: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question about a context.

    path (Path): The file. id (str): Its name there.
    question, context (str): Neither is empty.
    answers (tuple): Right answers, which may overlap; none: it has no answer. None: not known.
    title (str): Of the article that the context is from.
    """

    path: Path
    id: str
    question: str
    context: str
    answers: tuple[TextAnswer, ...] | None
    title: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One text with what is known of it. `None` means "not annotated", empty means "none there".

    path (Path), line (int): Where it stands, counted from 1, for messages.
    text (str): The text.
    second (str): The second text of a pair. None: there is one text.
    words (tuple): The tokens that the file prescribes. None: the pipeline's tokenizer decides.
    spaces (tuple): For each word whether a space follows. None: the file does not say.
    spans (tuple): Labelled spans of `text`.
    missing (tuple): Stretches whose annotation is unknown (tag `-`), as (start, end).
    cats (Mapping): Label -> 0.0 to 1.0. Labels that are not named count as 0.0. For the task
        "regression", name of a score -> score.
    is_text_unmatched (bool): The file has a raw text that its words do not spell.
    question (Question): What is asked about the text, of a SQuAD file.
    """

    path: Path
    line: int
    text: str
    second: str | None = None
    words: tuple[str, ...] | None = None
    spaces: tuple[bool, ...] | None = None
    spans: tuple[TextSpan, ...] | None = None
    missing: tuple[tuple[int, int], ...] = ()
    cats: Mapping[str, float] | None = None
    is_text_unmatched: bool = False
    question: Question | None = None

    @property
    def positive(self) -> tuple[str, ...]:
        """The labels that the whole text has."""
        return tuple(label for label, value in (self.cats or {}).items() if value > 0)
