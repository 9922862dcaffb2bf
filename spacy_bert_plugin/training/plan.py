"""The `[training]` section of a config, resolved as `spacy train` resolves it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training.loop import (
    create_before_to_disk_callback,
    create_evaluation_callback,
    create_train_batches,
)
from spacy.util import registry, resolve_dot_names
from thinc.api import fix_random_seed, set_gpu_allocator

from ..errors import Errors, SettingError
from .stream import BatchT


@dataclass(frozen=True)
class TrainingPlan:
    """What a run is made of.

    settings (dict): The section, resolved.
    optimizer (Optimizer): At its first step.
    batches (Iterator): Epoch and batch; nothing is read before the first.
    evaluate (Callable): Gives the weighted score and all scores.
    before_to_disk (Callable): Gives the pipeline to save.
    """

    settings: dict[str, Any]
    optimizer: Any
    batches: Iterator[tuple[int, BatchT]]
    evaluate: Callable[[], tuple[float, dict[str, Any]]]
    before_to_disk: Callable[[Language], Language]


def make_plan(nlp: Language, *, use_gpu: int = -1) -> TrainingPlan:
    """Resolve the config of a pipeline.

    nlp (Language): The initialised pipeline.
    use_gpu (int): GPU that the run is on; below 0: none.
    RAISES (SettingError): `accumulate_gradient` is below 1.
    """
    config = nlp.config.interpolate()
    if config["training"]["seed"] is not None:
        fix_random_seed(config["training"]["seed"])
    if use_gpu >= 0 and config["training"]["gpu_allocator"]:
        set_gpu_allocator(config["training"]["gpu_allocator"])
    settings = registry.resolve(config["training"], schema=ConfigSchemaTraining)
    if settings["accumulate_gradient"] < 1:
        name, got = "training.accumulate_gradient", settings["accumulate_gradient"]
        raise SettingError(Errors.SB002.format(name=name, expected="at least 1", got=got))
    names = [settings["train_corpus"], settings["dev_corpus"]]
    train_corpus, dev_corpus = resolve_dot_names(config, names)
    return TrainingPlan(
        settings=settings,
        optimizer=settings["optimizer"],
        batches=create_train_batches(
            nlp, train_corpus, settings["batcher"], settings["max_epochs"]
        ),
        evaluate=create_evaluation_callback(nlp, dev_corpus, settings["score_weights"]),
        before_to_disk=create_before_to_disk_callback(settings["before_to_disk"]),
    )


def make_optimizer(nlp: Language) -> Any:
    """Make another optimizer as the config describes it, to look at its schedules."""
    config = nlp.config.interpolate()
    return registry.resolve({"it": config["training"]["optimizer"]})["it"]
