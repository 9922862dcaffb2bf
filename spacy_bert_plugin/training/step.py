"""One step: losses, gradients, weights. As in `spacy.training.loop.train_while_improving`."""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from spacy.training.loop import subdivide_batch
from thinc.api import Model

from ..batching.engine import is_out_of_memory
from ..errors import Errors
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
    warn: Callable[[str], None],
) -> None:
    """Let a pipeline learn from a batch.

    nlp (Language), plan (TrainingPlan): What is trained, and how.
    batch (list[Example]): Sorted by length and cut up where gradients are accumulated.
    step (int), epoch (int): For `before_update`.
    losses (dict): The losses of the batch are added to it.
    guards (Guards): Asked before any weight is moved.
    warn (Callable): Told where memory was short and the batch was cut up further.
    RAISES (TrainingError): A loss or a gradient is not a finite number.
        (OutOfMemoryError): One text alone needs more memory than there is.
    """
    settings = plan.settings
    if settings["before_update"]:
        settings["before_update"](nlp, {"step": step, "epoch": epoch})
    _accumulate(nlp, plan, batch, losses=losses, step=step, warn=warn)
    guards.check_finite(losses)
    for name, pipe in nlp.pipeline:
        if name in settings["frozen_components"] or not getattr(pipe, "is_trainable", False):
            continue
        if pipe.model not in (True, False, None):
            pipe.finish_update(plan.optimizer)
    plan.optimizer.step_schedules()


def _accumulate(
    nlp: Language,
    plan: TrainingPlan,
    batch: BatchT,
    *,
    losses: dict[str, Any],
    step: int,
    warn: Callable[[str], None],
) -> None:
    """Add up the gradients of a batch, in twice as many parts where memory was short."""
    settings, before = plan.settings, dict(losses)
    n_parts = settings["accumulate_gradient"]
    while True:
        try:
            for part in subdivide_batch(batch, n_parts):
                nlp.update(
                    part,
                    drop=settings["dropout"],
                    losses=losses,
                    sgd=False,
                    exclude=settings["frozen_components"],
                    annotates=settings["annotating_components"],
                )
            return
        except (MemoryError, RuntimeError) as error:
            drop_gradients(nlp)
            if not is_out_of_memory(error) or n_parts >= len(batch):
                raise
        n_parts = min(2 * n_parts, len(batch))
        warn(Errors.SB436.format(step=step, n_examples=len(batch), n_parts=n_parts))
        losses.clear()
        losses.update(before)


def drop_gradients(nlp: Language) -> None:
    """Drop all gradients of a pipeline, of an update that has failed half-way."""
    for _, pipe in nlp.pipeline:
        if hasattr(pipe, "cancel_update"):
            pipe.cancel_update()
        model = getattr(pipe, "model", None)
        for node in model.walk() if isinstance(model, Model) else ():
            for name in node.param_names:
                if node.has_grad(name):
                    node.set_grad(name, node.ops.xp.zeros_like(node.get_grad(name)))
            for shim in node.shims:
                named = getattr(shim, "named_parameters", None)
                for _, param in named() if named is not None else ():
                    param.grad = None
