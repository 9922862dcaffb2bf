"""Rows 89 and 95 to 97: what training must not do."""

from __future__ import annotations

import math
import warnings
from typing import Any

from spacy.language import Language
from spacy.training import Example
from thinc.api import Adam, Optimizer

from .outputs import compare, find_flaw, read_doc
from .result import Skip, Verdict, check, find_first
from .subject import Subject
from .texts import SENTENCES


def make_adam(learn_rate: float = 0.001, **settings: Any) -> Optimizer:
    """The optimizer of spaCy's own configs."""
    optimizer: Optimizer = Adam(learn_rate, L2=0.01, grad_clip=1.0, **settings)
    return optimizer


def train(nlp: Language, examples: list[Example], *, n_steps: int, sgd: Any) -> dict[str, float]:
    """Update a pipeline a few times. RETURNS (dict): Losses of all steps together."""
    losses: dict[str, float] = {}
    for _ in range(n_steps):
        nlp.update(examples, sgd=sgd, losses=losses)
    return losses


@check(89, "updates with nothing to learn from")
def check_empty_updates(subject: Subject) -> Verdict:
    """A loss that is finite."""
    nlp = subject.load()
    batches = {
        "no examples": [],
        "empty documents": [Example.from_dict(nlp.make_doc(""), {}) for _ in range(3)],
        "no annotation": [Example.from_dict(nlp.make_doc(text), {}) for text in SENTENCES],
    }
    for name, batch in batches.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there is nothing to learn from may be said
            losses = train(nlp, batch, n_steps=1, sgd=make_adam())
        wrong = [pipe for pipe, loss in losses.items() if not math.isfinite(loss)]
        if wrong:
            return f"{name}: loss of {wrong} is not finite"
    return find_first(find_flaw(nlp(text)) for text in SENTENCES)


@check(95, "an exception while averaged weights are in use")
def check_averages(subject: Subject) -> Verdict:
    """The weights from before are back."""
    nlp = subject.load()
    sgd = make_adam(0.01, use_averages=True)
    train(nlp, subject.make_examples(nlp), n_steps=3, sgd=sgd)
    before = [nlp(text) for text in SENTENCES]
    try:
        with nlp.use_params(sgd.averages):
            raise KeyError("while the averages were in use")
    except KeyError:
        pass
    return _compare_docs(nlp, before, subject.tolerance)


def _compare_docs(nlp: Language, before: list[Any], tolerance: float) -> str | None:
    return find_first(
        compare(read_doc(nlp(doc.text)), read_doc(doc), tolerance=tolerance) for doc in before
    )


@check(96, "learning rates of 0 and 1,000, dropout of 0 and 1")
def check_rates(subject: Subject) -> Verdict:
    """An error, or numbers that are finite; a rate of 0 changes nothing."""
    for name, learn_rate, drop in (
        ("rate 0", 0.0, 0.0),
        ("rate 1000", 1000.0, 0.1),
        ("dropout 1", 0.001, 1.0),
    ):
        nlp = subject.load()
        losses: dict[str, float] = {}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                sgd = Adam(learn_rate, L2=0.0, grad_clip=1.0)
                for _ in range(2):
                    nlp.update(
                        subject.make_examples(subject.nlp), sgd=sgd, drop=drop, losses=losses
                    )
                flaw = find_first(find_flaw(nlp(text)) for text in SENTENCES)
        except Exception as error:  # noqa: BLE001
            if not str(error):
                return f"{name}: an error without a message"
            continue
        if not all(math.isfinite(loss) for loss in losses.values()):
            return f"{name}: the loss is not finite"
        if flaw is None and learn_rate == 0:
            flaw = subject.compare(nlp)
        if flaw:
            return f"{name}: {flaw}"
    return None


@check(97, "other precisions on this machine")
def check_precision(subject: Subject) -> Verdict:
    """An error, or numbers that are finite."""
    changes: list[dict[str, Any]] = []
    for name, settings in subject.nlp.config["components"].items():
        if "precision" in settings:
            values = ("bf16", "fp16", "int8", "fp8")
            changes += [{f"components.{name}.precision": value} for value in values]
        if "mixed_precision" in settings.get("model", {}):
            changes.append({f"components.{name}.model.mixed_precision": True})
    if not changes:
        return Skip("its config has no setting for precision")
    return find_first(_try_precision(subject, change) for change in changes)


def _try_precision(subject: Subject, change: dict[str, Any]) -> str | None:
    try:
        nlp = subject.load(change)
        docs = [nlp(text) for text in SENTENCES]
    except Exception as error:  # noqa: BLE001
        return None if str(error) else f"{change}: an error without a message"
    problem = find_first(find_flaw(doc) for doc in docs)
    return f"{change}: {problem}" if problem else None
