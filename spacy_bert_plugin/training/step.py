"""One step: losses, gradients, weights. As in `spacy.training.loop.train_while_improving`."""

from typing import Any

from spacy.language import Language
from spacy.training.loop import subdivide_batch

from .guards import Guards
from .plan import TrainingPlan
from .stream import BatchT


def take_step(
    nlp: Language,
    plan: TrainingPlan,
    batch: BatchT,
    *,
    step: int,
    epoch: int,
    losses: dict[str, Any],
    guards: Guards,
) -> None:
    """Let a pipeline learn from a batch.

    nlp (Language), plan (TrainingPlan): What is trained, and how.
    batch (list[Example]): Sorted by length and cut up where gradients are accumulated.
    step (int), epoch (int): For `before_update`.
    losses (dict): The losses of the batch are added to it.
    guards (Guards): Asked before any weight is moved.
    RAISES (TrainingError): A loss or a gradient is not a finite number.
    """
    settings = plan.settings
    if settings["before_update"]:
        settings["before_update"](nlp, {"step": step, "epoch": epoch})
    for part in subdivide_batch(batch, settings["accumulate_gradient"]):
        nlp.update(
            part,
            drop=settings["dropout"],
            losses=losses,
            sgd=False,
            exclude=settings["frozen_components"],
            annotates=settings["annotating_components"],
        )
    guards.check_finite(losses)
    for name, pipe in nlp.pipeline:
        if name in settings["frozen_components"] or not getattr(pipe, "is_trainable", False):
            continue
        if pipe.model not in (True, False, None):
            pipe.finish_update(plan.optimizer)
    plan.optimizer.step_schedules()
