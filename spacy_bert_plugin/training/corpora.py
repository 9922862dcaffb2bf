"""A corpus reader that takes data files as they are, converted or not."""

import random
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, DocBin
from spacy.training import Corpus, Example

from ..errors import DataError, Errors, SettingError
from ..util.pairs import retokenize_texts
from .formats import DocBuilder, FormatOptions, find_categories, read_label_names, read_records
from .formats.options import OPTION_NAMES
from .formats.read import SUFFIXES

SPACY_SUFFIX = ".spacy"
READABLE = (SPACY_SUFFIX, ".tsv", *SUFFIXES)
Reader = Callable[[Any], Iterable[Example]]


def build_corpus_v1(
    path: Path | None,
    gold_preproc: bool = False,
    max_length: int = 0,
    limit: int = 0,
    augmenter: Callable[..., Any] | None = None,
    shuffle: bool = False,
    format: str = "auto",
    task: str = "auto",
    labels: Path | list[str] | None = None,
    text_column: str | None = None,
    second_text_column: str | None = None,
    label_column: str | None = None,
    spans_column: str | None = None,
    word_column: int | None = None,
    tag_column: int | None = None,
    sep: str | None = None,
    quoting: str = "auto",
    header: bool | None = None,
    label_sep: str | None = None,
    align: str = "expand",
    no_spaces: bool = False,
    gold_tokens: bool = False,
    spans_key: str = "sc",
    min_score: float | None = None,
    max_score: float | None = None,
    encoding: str = "utf-8",
) -> Reader:
    """Build `spacy-bert-plugin.Corpus.v1`: `.spacy` files as `spacy.Corpus.v1` reads them, and
    columns with tags, jsonl, csv and tsv without conversion.

    Labels of texts are those of the file unless `labels` names them all: give it where the
    training file may have labels that the other files lack.

    path (Path): A file, or a folder of files.
    gold_preproc, max_length, limit, augmenter, shuffle: As in `spacy.Corpus.v1`.
    format, task, ..., encoding: As in `FormatOptions`; `header` is its `use_header`. They say
        nothing about `.spacy` files.
    labels (Path or list): All labels of texts, or a file with one a line.
    RETURNS (Callable): Takes a pipeline, yields Examples.
    RAISES (SettingError): no path, or a setting with an impossible value.
    """
    given = locals()
    if path is None:
        raise SettingError(Errors.SB652)
    names = read_label_names(Path(labels)) if isinstance(labels, (str, Path)) else labels
    shared = {key: given[key] for key in OPTION_NAMES if key in given and key != "labels"}
    options = FormatOptions(
        **shared, labels=None if names is None else tuple(names), use_header=header
    )
    return DataCorpus(
        path,
        options=options,
        gold_preproc=gold_preproc,
        max_length=max_length,
        limit=limit,
        augmenter=augmenter,
        shuffle=shuffle,
    )


class DataCorpus(Corpus):  # type: ignore[misc]
    """spaCy's corpus over more kinds of files, which never trains on nothing in silence.

    Docs of several texts (`doc.spans["pair"]`) stay whole, and both sides of their examples have
    the texts.

    path (Path): A file, or a folder of files.
    options (FormatOptions): How to read what is not `.spacy`.
    settings: As in `spacy.training.Corpus`.
    """

    def __init__(self, path: Path, *, options: FormatOptions, **settings: Any) -> None:
        super().__init__(path, **settings)
        self.options = options

    def __call__(self, nlp: Any) -> Iterator[Example]:
        """Yield Examples.

        RAISES (DataError): there is none, or a file has a bad row.
        """
        docs = self.iter_docs(nlp)
        if self.shuffle:
            shuffled = list(docs)
            random.shuffle(shuffled)
            docs = iter(shuffled)
        is_empty = True
        for example in chain.from_iterable(self._make_examples(nlp, doc) for doc in docs):
            for augmented in self.augmenter(nlp, example):
                is_empty = False
                yield augmented
        if is_empty:
            raise DataError(Errors.SB651.format(path=self.path, purpose="train or evaluate on"))

    def _make_examples(self, nlp: Any, reference: Doc) -> Iterable[Example]:
        predicted = retokenize_texts(nlp, reference, keep_tokens=self.gold_preproc)
        if predicted is not None:
            return [Example(predicted, reference)]
        make = self.make_examples_gold_preproc if self.gold_preproc else self.make_examples
        examples: Iterable[Example] = make(nlp, [reference])
        return examples

    def iter_docs(self, nlp: Any) -> Iterator[Doc]:
        """Yield the annotated Docs that have a token, at most `limit` of them."""
        paths = self._find_files()
        rows = {p: read_records(p, self.options) for p in paths if p.suffix != SPACY_SUFFIX}
        categories = find_categories(chain.from_iterable(rows.values()), self.options)
        builder = DocBuilder(nlp, options=self.options, categories=categories)
        n_docs = 0
        for path in paths:
            is_stored = path.suffix == SPACY_SUFFIX
            docs = _read_docbin(nlp, path) if is_stored else builder.build(rows[path])
            for doc in docs:
                if len(doc):
                    yield doc
                    n_docs += 1
                if self.limit and n_docs >= self.limit:
                    return

    def _find_files(self) -> list[Path]:
        if not self.path.exists():
            raise DataError(Errors.SB601.format(path=self.path, cwd=Path.cwd()))
        if not self.path.is_dir():
            return [self.path]
        found = [p for p in self.path.rglob("*") if p.suffix.lower() in READABLE and p.is_file()]
        return sorted(p for p in found if not _is_hidden(p.relative_to(self.path)))


def _read_docbin(nlp: Any, path: Path) -> Iterator[Doc]:
    docs: Iterator[Doc] = DocBin().from_disk(path).get_docs(nlp.vocab)
    return docs


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
