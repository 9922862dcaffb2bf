"""Calibration on texts that nothing was trained on: while saving, or of a trained pipeline.

A component takes part by its method `fit_calibration(examples) -> dict[str, float]`, which gets
Examples whose predicted Docs have been through the components before it.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch

from ..errors import Errors, SettingError
from ..training.corpora import build_corpus_v1
from ..util.pairs import PAIR_KEY

Reader = Callable[[Language], Iterable[Example]]
ReportT = dict[str, dict[str, float]]
BATCH_SIZE = 256


def build_calibrate_v1(
    path: Path | None, tune_thresholds: bool = False, corpus: Reader | None = None
) -> Callable[[Language], Language]:
    """Build a callback for `training.before_to_disk` that calibrates what is saved.

    The pipeline in training stays as it is. Every save costs one prediction of the texts for
    each component that can be calibrated.

    path (Path | None): Annotated texts that are not trained on: `${paths.dev}`.
    tune_thresholds (bool): Whether to find the thresholds with the best F score as well: that of
        each label of `bert_textcat`, and how willing `bert_ner` is.
    corpus (Callable | None): Reads the texts, if `spacy-bert-plugin.Corpus.v1` with its defaults
        does not.
    RETURNS (Callable): Takes a pipeline, returns one to be saved.
    """
    return partial(calibrate_copy, path=path, tune_thresholds=tune_thresholds, corpus=corpus)


def calibrate_copy(
    nlp: Language, *, path: Path | None, tune_thresholds: bool, corpus: Reader | None
) -> Language:
    """Calibrate a copy of a pipeline that shares everything but what calibration changes.

    RAISES (SettingError): No component can be calibrated, or there is no path.
    """
    read = build_corpus_v1(path) if corpus is None else corpus
    copied = copy.copy(nlp)
    copied._components = [(name, _copy_component(pipe)) for name, pipe in nlp._components]
    calibrate(copied, partial(read, copied), tune_thresholds=tune_thresholds)
    return copied


def calibrate(
    nlp: Language,
    get_examples: Callable[[], Iterable[Example]],
    *,
    tune_thresholds: bool = False,
) -> ReportT:
    """Calibrate every component of a pipeline that can be.

    get_examples (Callable): Gives annotated texts that nothing was trained on; called once for
        each such component.
    tune_thresholds (bool): Whether to find thresholds as well, for components that have them.
    RETURNS (dict): What `fit_calibration` of each component says, such as "ece_before" and
        "ece_after", by name; nothing where nothing was annotated for it.
    RAISES (SettingError): No component can be calibrated.
    """
    chosen = [(name, pipe) for name, pipe in nlp.pipeline if hasattr(pipe, "fit_calibration")]
    if not chosen:
        raise SettingError(Errors.SB389.format(pipeline=nlp.pipe_names))
    report: ReportT = {}
    for name, pipe in chosen:
        options = {"tune_thresholds": True} if tune_thresholds and _has_thresholds(pipe) else {}
        stream = iter_prepared(nlp, get_examples(), before=name)
        report[name] = pipe.fit_calibration(stream, **options)
    return report


def iter_prepared(nlp: Language, examples: Iterable[Example], *, before: str) -> Iterator[Example]:
    """Yield fresh copies of Examples that have been through the components before one.

    before (str): Name of the component that comes next.
    """
    names = nlp.pipe_names[: nlp.pipe_names.index(before)]
    for batch in minibatch(examples, size=BATCH_SIZE):
        docs = [_copy_tokens(example.predicted) for example in batch]
        for name in names:
            docs = _run(nlp.get_pipe(name), docs)
        for doc, example in zip(docs, batch, strict=True):
            yield Example(doc, example.reference)


def _run(pipe: Any, docs: list[Doc]) -> list[Doc]:
    if hasattr(pipe, "pipe"):
        return list(pipe.pipe(docs, batch_size=len(docs)))
    return [pipe(doc) for doc in docs]


def _copy_tokens(doc: Doc) -> Doc:
    """A Doc with the same tokens, of one text or two, and no annotation of an earlier run."""
    spaces = [bool(token.whitespace_) for token in doc]
    copied = Doc(doc.vocab, words=[token.text for token in doc], spaces=spaces)
    if PAIR_KEY in doc.spans:
        copied.spans[PAIR_KEY] = [copied[span.start : span.end] for span in doc.spans[PAIR_KEY]]
    return copied


def _copy_component(pipe: Any) -> Any:
    """Copy a component that can be calibrated: with settings of its own, over the same model."""
    if not hasattr(pipe, "fit_calibration"):
        return pipe
    copied = copy.copy(pipe)
    copied.cfg = copy.deepcopy(pipe.cfg)
    return copied


def _has_thresholds(pipe: Any) -> bool:
    return bool(getattr(pipe, "has_thresholds", False))
