"""Rows 76 and 77: what loading must do, and what a load that fails must not."""

from __future__ import annotations

import shutil
from pathlib import Path

from spacy.language import Language
from spacy.util import fix_random_seed

from .result import Verdict, check
from .subject import Subject, copy_weights, list_trainable, read_all
from .texts import SENTENCES
from .thread_rows import compare_all
from .training_rows import make_adam, train


@check(76, "saved weights over those of a pipeline trained otherwise")
def check_weights_arrive(subject: Subject) -> Verdict:
    """Predictions are those that were saved, not those of the weights before."""
    nlp = subject.load()
    problem, saved = subject.compare(nlp), copy_weights(nlp)
    if problem:
        return f"loaded anew: {problem}"
    train_otherwise(nlp, subject)
    trained = copy_weights(nlp)
    learned = [name for name, weights in trained.items() if weights != saved[name]]
    if not learned:
        return "training has changed nothing"
    nlp.from_disk(subject.folder)
    problem = subject.compare(nlp)
    # Some predictions show little of the weights: those of training must be gone as well.
    left = [name for name in learned if copy_weights(nlp)[name] == trained[name]]
    return problem or (f"{left} kept the weights of training" if left else None)


@check(77, "each file cut off in the middle, one at a time")
def check_failing_load(subject: Subject) -> Verdict:
    """An error, and the component predicts as before."""
    nlp = subject.load()
    train_otherwise(nlp, subject)
    for name in list_trainable(nlp):
        home = subject.folder / name
        for path in sorted(home.rglob("*")):
            if path.is_file() and path.stat().st_size:
                place = path.relative_to(home)
                problem = _load_cut_off(nlp, name, home, place)
                if problem:
                    return f"'{name}', {place}: {problem}"
    return None


def train_otherwise(nlp: Language, subject: Subject) -> None:
    """Move the weights of a pipeline away from those that were saved."""
    fix_random_seed(1)
    train(nlp, subject.make_examples(nlp), n_steps=3, sgd=make_adam(0.5))


def _load_cut_off(nlp: Language, name: str, home: Path, place: Path) -> str | None:
    """Load a component from a copy of its folder with one file cut off."""
    before = read_all(nlp, SENTENCES)
    copy = home.parent.parent / "cut off"
    shutil.copytree(home, copy)
    try:
        data = (copy / place).read_bytes()
        (copy / place).write_bytes(data[: len(data) // 2])
        nlp.get_pipe(name).from_disk(copy, exclude=["vocab"])
    except Exception as error:  # noqa: BLE001
        problem = None if str(error) else f"{type(error).__name__} without a message"
    else:
        problem = "it loads without an error"
    finally:
        shutil.rmtree(copy)
    changed = compare_all(read_all(nlp, SENTENCES), before, 0.0)
    return problem or (f"after an error in loading: {changed}" if changed else None)
