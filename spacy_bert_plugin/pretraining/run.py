"""The pretraining loop: it can be killed at any moment and continued.

Between two steps nothing is held but weights, moments and two numbers that say where in the corpus
the next step is. So a run that goes on has the same losses as one that was never stopped.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import perf_counter

import torch

from ..errors import CheckpointError, Errors, TrainingError
from ..training.environment import compare_environment
from ..training.interrupt import catch_interrupt
from ..training.log import RunLog
from ..training.output import RunFolder
from .batches import PretrainingBatch
from .encoders import save_model
from .evaluate import Baselines, HeldOut, evaluate
from .hooks import PretrainingHooks, PretrainingOutcome
from .model import PretrainingModel, sum_losses
from .settings import PretrainingPlan
from .state import (
    Progress,
    SavedState,
    check_config,
    read_state,
    restore,
    restore_generators,
    save_state,
)
from .stream import Step, StepStream

SUMS = ("word_loss", "n_words", "pair_loss", "n_pairs", "n_pieces", "seconds")


class PretrainingRun:
    """A run between its first step and its last.

    plan, model, stream: What is learned, by what, from what.
    held_out: Questions about held-out text; none if there is no such text.
    baselines: What counting alone gets right of these.
    folder: Where to save.
    dtype: Type to compute in.
    hooks: Who wants to know what happens.
    """

    def __init__(
        self,
        plan: PretrainingPlan,
        model: PretrainingModel,
        stream: StepStream,
        *,
        held_out: Sequence[PretrainingBatch],
        baselines: Baselines | None,
        folder: RunFolder,
        dtype: torch.dtype,
        hooks: PretrainingHooks,
    ) -> None:
        self.plan, self.model, self.stream = plan, model, stream
        self.held_out, self.baselines = held_out, baselines
        self.folder, self.dtype, self.hooks = folder, dtype, hooks
        self.optimizer = plan.optimizer
        self.progress = Progress()
        self.log = RunLog(folder.log)
        self._state: SavedState | None = None
        self._saved_step = -1
        self._saved_at = perf_counter()
        # A new encoder has learned nothing that a high rate could wipe out.
        if plan.encoder.name is None and hasattr(self.optimizer, "warned"):
            self.optimizer.warned = True

    def restore(self) -> None:
        """Take over where an earlier run was when its state was saved."""
        path = self.folder.resume
        state = self._state = read_state(path)
        check_config(self.plan.config, state.config, path=self.folder.root)
        if state.digest != self.stream.planner.store.digest:
            raise CheckpointError(Errors.SB817.format(path=self.folder.root))
        changes = compare_environment(state.environment)
        if changes:
            self.hooks.warn(Errors.SB427.format(changes=changes))
        restore(path, state, self.model, self.optimizer)
        self.progress = state.progress
        self._saved_step = state.progress.step
        self.log = RunLog(self.folder.log, last_step=state.progress.step)

    def go(self) -> PretrainingOutcome:
        """Take steps until there is a reason to stop.

        RAISES (TrainingError): A loss or a gradient is not finite.
            (CheckpointError): Something could not be written.
        """
        begin = perf_counter() - self.progress.seconds
        reason = self._find_end()
        if self._state is not None:
            restore_generators(self._state)
        with catch_interrupt() as interrupt:
            for step in [] if reason else self.stream.iter_steps(self.progress.place):
                self._learn(step)
                self.progress.seconds = perf_counter() - begin
                self.hooks.on_step(self.progress.step, step.n_pieces)
                is_row = self.progress.step % self.plan.run.eval_frequency == 0
                if is_row:
                    self._note()
                self._save_now_and_then(is_row=is_row)
                reason = "interrupted" if interrupt.is_asked else self._find_end()
                if reason:
                    break
        self._finish(reason)
        best = self.progress.best
        return PretrainingOutcome(
            self.progress.step, reason or "epochs", (best[0], int(best[1])) if best else None
        )

    def _learn(self, step: Step) -> None:
        """Learn from the batches of a step as from one."""
        started = perf_counter()
        weights = self.plan.masking.weight, self.plan.pairs.weight
        n_words = sum(batch.n_hidden for batch in step.batches)
        n_pairs = sum(batch.n_pairs for batch in step.batches)
        device = self.model.encoder.device
        totals = torch.zeros(2, device=device)
        for batch in step.batches:
            batch = batch.to(device)
            answers = self.model.answer(batch, dropout=self.plan.run.dropout, dtype=self.dtype)
            losses = sum_losses(answers, batch)
            loss = weights[0] * losses.words / max(n_words, 1)
            loss = loss + weights[1] * losses.pairs / max(n_pairs, 1)
            if loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]
            totals += torch.stack([losses.words.detach(), losses.pairs.detach()])
        groups = self.model.list_groups()
        if groups:
            self.optimizer.step_torch(groups)
        self.model.finish_step()
        self.optimizer.step_schedules()
        word_loss, pair_loss = totals.tolist()
        progress = self.progress
        progress.step += 1
        progress.epoch, progress.epoch_step = step.epoch, step.number + 1
        progress.n_pieces += step.n_pieces
        spent = perf_counter() - started
        new = (word_loss, n_words, pair_loss, n_pairs, step.n_pieces, spent)
        for name, value in zip(SUMS, new, strict=True):
            progress.sums[name] = progress.sums.get(name, 0.0) + value

    def _note(self) -> None:
        """Write a row of the log, and save the model if it is a good one."""
        progress = self.progress
        held_out = self._evaluate()
        sums = progress.sums
        row = {
            "step": progress.step,
            "epoch": progress.epoch,
            "pieces": progress.n_pieces,
            "seconds": round(progress.seconds, 1),
            "pieces_per_second": sums["n_pieces"] / max(sums["seconds"], 1e-9),
            "learn_rate": float(self.optimizer.learn_rate),
            "word_loss": sums["word_loss"] / max(sums["n_words"], 1),
            "pair_loss": sums["pair_loss"] / max(sums["n_pairs"], 1),
            "held_out": held_out.to_json() if held_out else None,
            "baselines": vars(self.baselines) if self.baselines else None,
        }
        progress.sums = {}
        with self._explain("The log", self.folder.log):
            self.log.add(row)
        self._save_last()
        if held_out is not None:
            loss = self._weigh(held_out)
            if not progress.best or loss < progress.best[0]:
                progress.best = [loss, progress.step]
                with self._explain("The best checkpoint", self.folder.best):
                    self.folder.copy_best()
        self.hooks.on_row(self.log.rows)

    def _evaluate(self) -> HeldOut | None:
        if not self.held_out:
            return None
        held_out = evaluate(self.model, self.held_out, dtype=self.dtype)
        loss = self._weigh(held_out)
        if not math.isfinite(loss):
            raise TrainingError(Errors.SB819.format(value=loss, step=self.progress.step))
        return held_out

    def _weigh(self, held_out: HeldOut) -> float:
        masking, pairs = self.plan.masking.weight, self.plan.pairs.weight
        return masking * held_out.word_loss + pairs * held_out.pair_loss

    def _save_last(self) -> None:
        """Replace the checkpoint `model-last`."""
        with self._explain("The checkpoint", self.folder.last):
            self.folder.save_last(lambda path: save_model(self.model, path))

    def _save_now_and_then(self, *, is_row: bool) -> None:
        run = self.plan.run
        is_due = self.progress.step % run.save_every == 0 if run.save_every else is_row
        minutes = (perf_counter() - self._saved_at) / 60.0
        if is_due or (run.save_minutes and minutes >= run.save_minutes):
            self._save_state()

    def _save_state(self) -> None:
        with self._explain("The state of the run", self.folder.resume):
            save_state(
                self.folder.resume,
                self.model,
                self.optimizer,
                self.progress,
                config=self.plan.config,
                digest=self.stream.planner.store.digest,
            )
        self._saved_step, self._saved_at = self.progress.step, perf_counter()

    def _finish(self, reason: str) -> None:
        """Save the end of the run. The state first: a row more changes what the next one says."""
        if self._saved_step != self.progress.step:
            self._save_state()
        if self.log.rows and self.log.rows[-1]["step"] == self.progress.step:
            return
        if reason == "interrupted" or not self.progress.sums:
            self._save_last()
        else:
            self._note()

    def _find_end(self) -> str:
        limit = self.plan.run.max_steps
        return "steps" if limit and self.progress.step >= limit else ""

    def _explain(self, what: str, path: Path) -> AbstractContextManager[None]:
        return explain_errors(what, path, kept=self.folder.describe())


@contextmanager
def explain_errors(what: str, path: Path, *, kept: str = "") -> Iterator[None]:
    """Turn an error of the file system into one that says what is still there.

    what: What was being written.
    path: Where.
    kept: What is safe, as `RunFolder.describe` says it.
    RAISES (CheckpointError): It could not be written.
    """
    try:
        yield
    except (OSError, CheckpointError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        kept = kept.replace(" Kept:", ":").rstrip(".")
        text = Errors.SB818.format(what=what, path=path, error=cause, kept=kept)
        raise CheckpointError(text) from error
