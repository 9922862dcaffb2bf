"""Rows 91 to 94: one encoder and those who listen to it."""

from __future__ import annotations

import math
import warnings
from typing import Any

import spacy
from spacy.language import Language

from .outputs import read_doc
from .result import Skip, Verdict, check
from .subject import Subject, copy_weights, find_listened
from .texts import SENTENCES
from .training_rows import make_adam

NO_LISTENERS = Skip("no component listens to another")


@check(91, "a frozen encoder that annotates")
def check_frozen(subject: Subject) -> Verdict:
    """Training the others leaves its weights as they are."""
    if not subject.encoders:
        return NO_LISTENERS
    nlp = subject.load()
    examples = subject.make_examples(nlp)
    before = copy_weights(nlp)
    for _ in range(3):
        nlp.update(
            examples, sgd=make_adam(0.01), exclude=subject.encoders, annotates=subject.encoders
        )
    changed = [name for name, weights in copy_weights(nlp).items() if weights != before[name]]
    wrong = sorted(set(changed) & set(subject.encoders))
    if wrong:
        return f"weights of {wrong} have changed"
    return None if changed else "nothing has learned"


@check(92, "a frozen encoder that does not annotate")
def check_frozen_silent(subject: Subject) -> Verdict:
    """Training the others is an error: they would learn from nothing."""
    if not subject.encoders:
        return NO_LISTENERS
    nlp = subject.load()
    try:
        nlp.update(subject.make_examples(nlp), sgd=make_adam(), exclude=subject.encoders)
    except Exception as error:  # noqa: BLE001
        return None if str(error) else f"{type(error).__name__} without a message"
    return "trained without vectors, and no error"


@check(93, "encoders replaced, sourced, renamed, removed")
def check_surgery(subject: Subject) -> Verdict:
    """Predictions stay what they are; losses are finite where it is trained on."""
    if not subject.encoders:
        return NO_LISTENERS
    for name, change in {
        "replace_listeners": _replace,
        "source": _source,
        "rename_pipe": _rename,
        "remove_pipe": _remove,
    }.items():
        nlp, kept = change(subject)
        problem = _compare_pipes(nlp, subject, kept)
        if problem:
            return f"{name}: {problem}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            losses = nlp.update(subject.make_examples(subject.nlp), sgd=make_adam())
        if not all(math.isfinite(loss) for loss in losses.values()):
            return f"{name}: losses are not finite"
    return None


def _replace(subject: Subject) -> tuple[Language, bool]:
    nlp = subject.load()
    for encoder in subject.encoders:
        for name in list(nlp.get_pipe(encoder).listening_components):
            nlp.replace_listeners(encoder, name, _find_slots(nlp, name))
    return nlp, True


def _find_slots(nlp: Language, name: str) -> list[str]:
    """Find the settings that hold a listener."""
    found: list[str] = []

    def walk(settings: dict[str, Any], path: tuple[str, ...]) -> None:
        for key, value in settings.items():
            if isinstance(value, dict):
                if "Listener" in str(value.get("@architectures", "")):
                    found.append(".".join((*path, key)))
                walk(value, (*path, key))

    walk(nlp.get_pipe_config(name)["model"], ("model",))
    return found


def _source(subject: Subject) -> tuple[Language, bool]:
    home = subject.load()
    nlp = spacy.blank(home.lang, vocab=home.vocab)
    for name in home.pipe_names:
        nlp.add_pipe(name, source=home)
    return nlp, True


def _rename(subject: Subject) -> tuple[Language, bool]:
    nlp = subject.load()
    for name in subject.encoders:
        nlp.rename_pipe(name, f"{name}_renamed")
    return nlp, True


def _remove(subject: Subject) -> tuple[Language, bool]:
    nlp = subject.load()
    nlp.remove_pipe(subject.listeners[-1])
    return nlp, False


def _compare_pipes(nlp: Language, subject: Subject, is_whole: bool) -> str | None:
    """Compare predictions, where the pipeline still has all of its components."""
    if not is_whole:
        list(nlp.pipe(SENTENCES))
        return None
    docs = [nlp(text) for text in SENTENCES]
    return subject.compare_docs(docs)


@check(94, "the encoder is disabled or missing")
def check_missing(subject: Subject) -> Verdict:
    """An error of each component that listens, and no answer made of nothing."""
    if not subject.encoders:
        return NO_LISTENERS
    nlp = subject.load()
    for encoder in find_listened(nlp):
        for name in list(nlp.get_pipe(encoder).listening_components):
            others = [other for other in nlp.pipe_names if other != name]
            with nlp.select_pipes(disable=others):
                try:
                    doc = nlp(SENTENCES[1])
                except Exception as error:  # noqa: BLE001
                    if not str(error):
                        return f"'{name}': {type(error).__name__} without a message"
                    continue
            said = read_doc(doc).labels["cats"] or "its answer"
            return f"'{name}' gave {said} without '{encoder}', and no error"
    return None
