"""Text files as documents of sentences, read as a stream.

    file     documents = "file"      one document a file, paragraphs between blank lines
             documents = "blank"     one document between blank lines
             documents = "lines"     one document a line
    .jsonl   one document an object; blank lines in its text end paragraphs
    .spacy   one document a Doc

A long document comes in several passages, so that memory stays bounded; they keep its number.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import DataError, Errors, SettingError
from .lines import Line, read_json_texts, read_lines
from .sentences import Splitter, find_splitter

SUFFIXES = (".txt", ".jsonl", ".spacy")
DOCUMENTS = ("file", "blank", "lines")
# Sentences of a passage at most; characters of a paragraph that are split at once.
MAX_SENTENCES, MAX_CHARACTERS = 2_000, 100_000


@dataclass(frozen=True)
class Passage:
    """Sentences that follow each other in one document.

    document: Number of the document, from 0.
    sentences: At least one, none of them blank.
    """

    document: int
    sentences: tuple[str, ...]


class TextCorpus:
    """Files that are read again from the start at every call.

    path (Path or list): A file, several files, or a folder with files in it and below.
    documents (str): What a document is in a text file: "file", "blank" or "lines".
    sentences (str): Where sentences end: "spacy", "lines" or "none".
    lang (str): Language of spaCy's rules for sentences.
    text_key (str): Key of the text in jsonl.
    limit (int): Passages to read; 0: all.
    """

    def __init__(
        self,
        path: Path | str | Sequence[Path | str],
        *,
        documents: str = "file",
        sentences: str = "spacy",
        lang: str = "en",
        text_key: str = "text",
        limit: int = 0,
    ) -> None:
        if documents not in DOCUMENTS:
            expected = " or ".join(map(repr, DOCUMENTS))
            raise SettingError(
                Errors.SB002.format(name="documents", expected=expected, got=documents)
            )
        several = [path] if isinstance(path, str | Path) else path
        self.paths = [Path(one) for one in several]
        self.documents, self.sentences, self.lang = documents, sentences, lang
        self.text_key, self.limit = text_key, limit
        self._splitter: Splitter = find_splitter(sentences, lang=lang)

    def __call__(self) -> Iterator[Passage]:
        """Read the corpus.

        YIELDS (Passage): Passages of one document follow each other.
        RAISES (DataError): A file is missing or cannot be read, or there is no text in any.
        """
        passages = self._read()
        first = next(passages, None)
        if first is None:
            path = ", ".join(str(path) for path in self.paths[:3])
            raise DataError(Errors.SB800.format(path=path))
        yield first
        yield from islice(passages, self.limit - 1) if self.limit else passages

    def list_files(self) -> list[Path]:
        """List the files, in the order in which they are read.

        RAISES (DataError): There is none under a path.
        """
        found: list[Path] = []
        for path in self.paths:
            if path.is_dir():
                inside = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES)
                found += [p for p in inside if p.is_file() and not p.name.startswith(".")]
            elif path.is_file():
                found.append(path)
            else:
                raise DataError(Errors.SB802.format(path=path, cwd=Path.cwd()))
        return found

    def describe(self) -> dict[str, object]:
        """Say what is read and how: the same answer means the same text."""
        files = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in self.list_files()]
        names = ("documents", "sentences", "lang", "text_key", "limit")
        return {"files": files, **{name: getattr(self, name) for name in names}}

    def iter_texts(self) -> Iterator[str]:
        """Give the text of the corpus line by line, for counting words. See `__call__`."""
        for path in self.list_files():
            if path.suffix == ".spacy":
                yield from (doc.text for doc in _read_docs(path))
            elif path.suffix == ".jsonl":
                yield from (line.text for line in read_json_texts(path, key=self.text_key))
            else:
                yield from (line.text for line in read_lines(path))

    def _read(self) -> Iterator[Passage]:
        number = 0
        for path in self.list_files():
            for document in self._read_file(path):
                sentences = (sentence for sentence in document if sentence.strip())
                is_empty = True
                while part := tuple(islice(sentences, MAX_SENTENCES)):
                    is_empty = False
                    yield Passage(number, part)
                number += not is_empty

    def _read_file(self, path: Path) -> Iterator[Iterable[str]]:
        """YIELDS: The sentences of each document, one document after the other."""
        split = self._splitter
        if path.suffix == ".spacy":
            for doc in _read_docs(path):
                yield split.split_doc(doc)
        elif path.suffix == ".jsonl":
            for line in read_json_texts(path, key=self.text_key):
                lines = (Line(line.number, part) for part in line.text.split("\n"))
                yield self._cut(_join_paragraphs(lines))
        elif self.documents == "file":
            yield self._cut(_join_paragraphs(read_lines(path)))
        elif self.documents == "lines":
            yield from (self._cut([[line.text]]) for line in read_lines(path))
        else:
            yield from (self._cut([lines]) for lines in _join_paragraphs(read_lines(path)))

    def _cut(self, paragraphs: Iterable[list[str]]) -> Iterator[str]:
        for lines in paragraphs:
            yield from self._splitter.split(lines)


def build_text_corpus_v1(
    path: Path | str | list[str] | None = None,
    documents: str = "file",
    sentences: str = "spacy",
    lang: str = "en",
    text_key: str = "text",
    limit: int = 0,
) -> TextCorpus:
    """Build a corpus of plain text for pretraining.

    path (Path or list): A .txt, .jsonl or .spacy file, several of them, or a folder.
    documents (str): What a document is in a text file: "file" (paragraphs between blank lines),
        "blank" (what stands between blank lines) or "lines" (each line).
    sentences (str): Where sentences end: "spacy" (its rules for the language; in .spacy files
        the borders that are stored), "lines" (at the end of a line) or "none" (a paragraph is
        one).
    lang (str): Language of spaCy's rules.
    text_key (str): Key of the text in jsonl.
    limit (int): Passages to read; 0: all.
    RAISES (SettingError): No path, or a setting with an impossible value.
    """
    if path is None:
        raise SettingError(Errors.SB801)
    return TextCorpus(
        path, documents=documents, sentences=sentences, lang=lang, text_key=text_key, limit=limit
    )


def _join_paragraphs(lines: Iterable[Line]) -> Iterator[list[str]]:
    """Gather the lines between blank ones; a very long paragraph in several parts."""
    gathered: list[str] = []
    n_characters = 0
    for line in lines:
        n_characters += len(line.text)
        if line.text.strip():
            gathered.append(line.text)
        if gathered and (not line.text.strip() or n_characters > MAX_CHARACTERS):
            yield gathered
            gathered, n_characters = [], 0
    if gathered:
        yield gathered


def _read_docs(path: Path) -> Iterator[Any]:
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    try:
        stored = DocBin().from_disk(path)
    # spaCy raises whatever zlib, msgpack or numpy raise.
    except Exception as error:
        if isinstance(error, OSError):
            raise
        raise DataError(Errors.SB805.format(path=path, error=error)) from error
    vocab = Vocab()
    yield from stored.get_docs(vocab)
