"""The training loop of spaCy, but for this: it can be killed at any moment and continued.

One step is what it is in `spacy.training.loop`, with the same functions around it, so the same
config and seed give the same model. What is added lies between the steps: the state of the run is
saved, guards stop what cannot become good, and no save replaces a good model with a spoilt one.
"""

import sys
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import IO, Any

from spacy.language import Language
from spacy.training.loop import update_meta

from ..errors import Errors, TrainingError
from .environment import check_config, compare_environment
from .guards import Guards, warn_of_rate
from .hooks import Hooks, Outcome
from .interrupt import catch_interrupt
from .log import RunLog, make_row
from .moments import Moments
from .output import RunFolder
from .plan import TrainingPlan, make_optimizer, make_plan
from .randomness import HostState
from .state import (
    Progress,
    SavedState,
    read_state,
    restore_generators,
    restore_moments,
    restore_weights,
    save_state,
)
from .step import take_step
from .stream import BatchStream, BatchT


def train(
    nlp: Language,
    output: Path | None = None,
    *,
    use_gpu: int = -1,
    resume: bool = False,
    save_every: int = 0,
    stdout: IO[str] | None = None,
    stderr: IO[str] | None = None,
    hooks: Hooks | None = None,
) -> Outcome:
    """Train a pipeline.

    nlp (Language): Initialised, with its full config.
    output (Path): Folder of the run; nothing is saved if None. What an earlier run has left there
        is replaced, unless it goes on: see `RunFolder.check`.
    use_gpu (int): GPU that the run is on; below 0: none.
    resume (bool): Go on with the run in `output`.
    save_every (int): Steps between two saves of the state; 0: at each evaluation.
    stdout, stderr (IO): For the logger of the config.
    hooks (Hooks): Who wants to know what happens.
    RETURNS (Outcome): Where and why it ended.
    RAISES (TrainingError): It was stopped by a guard. What was good is still on disk.
        (SettingError, DataError, CheckpointError): The run cannot go on here.
    """
    plan = make_plan(nlp, use_gpu=use_gpu)
    folder = None if output is None else RunFolder(output)
    hooks = hooks or Hooks()
    run = Run(nlp, plan, folder, save_every=save_every, hooks=hooks)
    if resume and folder is not None:
        run.restore(read_state(folder.resume), folder)
    else:
        warning = warn_of_rate(nlp, make_optimizer(nlp), n_steps=plan.settings["max_steps"])
        if warning:
            hooks.warn(warning)
            if hasattr(plan.optimizer, "warned"):
                plan.optimizer.warned = True
        if folder is not None:
            folder.clear()
    return run.go(stdout or sys.stdout, stderr or sys.stderr)


class Run:
    """A run between its first step and its last.

    nlp (Language), plan (TrainingPlan): What is trained, and how.
    folder (RunFolder): Where to save; None: nowhere.
    save_every (int), hooks (Hooks): As in `train`.
    """

    def __init__(
        self,
        nlp: Language,
        plan: TrainingPlan,
        folder: RunFolder | None,
        *,
        save_every: int,
        hooks: Hooks,
    ) -> None:
        self.nlp, self.plan, self.folder, self.hooks = nlp, plan, folder, hooks
        self.save_every = save_every
        self.progress = Progress()
        self.guards = Guards(nlp)
        self.moments = Moments(nlp, plan.optimizer)
        self.stream = BatchStream(plan.batches)
        self.log = RunLog(None if folder is None else folder.log)
        self._seconds, self._words = 0.0, 0  # of learning alone, since the last evaluation
        self._step = self._saved_step = -1
        self._has_warned = False

    def restore(self, state: SavedState, folder: RunFolder) -> None:
        """Take over where an earlier run was when its state was saved."""
        check_config(self.nlp.config, state.config, path=folder.root)
        changes = compare_environment(state.environment)
        if changes:
            self.hooks.warn(Errors.SB427.format(changes=changes))
        progress = self.progress = state.progress
        n_steps = progress.step + 1
        # First: Docs that are read later must find their strings in the vocabulary.
        restore_weights(folder.resume, self.nlp)
        start = HostState.from_json(progress.stream)
        self.stream = BatchStream(self.plan.batches, start=start)
        self.stream.skip(n_steps, digest=progress.digest, path=folder.root)
        restore_moments(folder.resume, state, self.moments)
        for _ in range(n_steps):
            self.plan.optimizer.step_schedules()
        self.guards = Guards(self.nlp, progress.guards)
        self.log = RunLog(folder.log, last_step=progress.step)
        self._saved_step = progress.step
        restore_generators(state)

    def go(self, stdout: IO[str], stderr: IO[str]) -> Outcome:
        """Take steps until there is a reason to stop. See `train`."""
        begin = perf_counter() - self.progress.seconds
        self.hooks.on_start(self.progress.step)
        with self.nlp.select_pipes(disable=self.plan.settings["frozen_components"]):
            log_step, finish_log = self.plan.settings["logger"](self.nlp, stdout, stderr)
        reason = self._find_end()
        try:
            with catch_interrupt() as interrupt:
                while not reason:
                    item = next(self.stream, None)
                    if item is None:
                        reason = "epochs"
                        break
                    info = self._learn(*item, begin=begin)
                    self.hooks.on_step(self.progress.step)
                    self.hooks.on_print()
                    log_step(info)
                    self._end_step(is_evaluated=info is not None)
                    reason = "interrupted" if interrupt.is_asked else self._find_end()
        except TrainingError as error:
            raise self._explain(error) from error
        finally:
            finish_log()
        self._finish()
        return Outcome(self.progress.step, reason, self.progress.best)

    def _learn(self, epoch: int, batch: BatchT, *, begin: float) -> dict[str, Any] | None:
        """Learn from a batch. RETURNS (dict): What loggers get, if the step was evaluated."""
        progress, started = self.progress, perf_counter()
        step = self._step = progress.step + 1
        before = {name: float(value) for name, value in progress.losses.items()}
        take_step(
            self.nlp,
            self.plan,
            batch,
            step=step,
            epoch=epoch,
            losses=progress.losses,
            guards=self.guards,
            warn=self.hooks.warn,
        )
        n_words = sum(len(example) for example in batch)
        progress.step, progress.epoch = step, epoch
        progress.n_words += n_words
        self._words += n_words
        self._seconds += perf_counter() - started
        losses = {k: float(v) - before.get(k, 0.0) for k, v in progress.losses.items()}
        self.guards.check_losses(losses, n_words=n_words)
        if step % self.plan.settings["eval_frequency"]:
            progress.seconds = perf_counter() - begin
            return None
        score, scores = self._evaluate()
        progress.results.append((score, step))
        progress.seconds = perf_counter() - begin
        info = {
            "epoch": epoch,
            "step": step,
            "score": score,
            "other_scores": scores,
            "losses": progress.losses,
            "checkpoints": progress.results,
            "seconds": int(progress.seconds),
            "words": progress.n_words,
        }
        if self.folder is not None:
            info["output_path"] = str(self.folder.last)
        self._note(info)
        return info

    def _evaluate(self) -> tuple[float, dict[str, Any]]:
        with self.nlp.use_params(self.plan.optimizer.averages or {}):
            return self.plan.evaluate()

    def _note(self, info: dict[str, Any]) -> None:
        """Write down an evaluation, and save the models if it was a good one."""
        score, step = self.progress.results[-1]
        best = self.progress.best or (score, step)
        self.log.add(
            make_row(
                info,
                batches=step - self.log.rows[-1]["step"] if self.log.rows else step + 1,
                learn_rate=float(self.plan.optimizer.learn_rate),
                words_per_second=self._words / self._seconds if self._seconds else 0.0,
            )
        )
        self._seconds, self._words = 0.0, 0
        self.hooks.on_row(self.log.rows)
        self.guards.check_score(score, best)
        with self.nlp.select_pipes(disable=self.plan.settings["frozen_components"]):
            update_meta(self.plan.settings, self.nlp, info)
        if self.folder is not None and not self.guards.is_suspicious:
            self._save_last()
            if score == best[0]:
                self.folder.copy_best()

    def _end_step(self, *, is_evaluated: bool) -> None:
        if is_evaluated:
            self.progress.losses = {}
        every = self.save_every
        if (self.progress.step % every == 0) if every else is_evaluated:
            self._save_state()

    def _find_end(self) -> str:
        """Why to stop after this step; empty if there is no reason."""
        step, settings = self.progress.step, self.plan.settings
        best = self.progress.best
        if best and settings["patience"] and step - best[1] >= settings["patience"]:
            return "patience"
        is_done = settings["max_steps"] and step >= settings["max_steps"]
        return "steps" if is_done else ""

    def _finish(self) -> None:
        """Save the end of the run, unless it is saved or not worth it."""
        if self._saved_step == self.progress.step or self.guards.is_suspicious:
            return
        # The state first: `before_to_disk` may change the pipeline, as it does at evaluations.
        self._save_state()
        self._save_last()

    def _save_last(self) -> None:
        if self.folder is not None:
            with self.nlp.use_params(self.plan.optimizer.averages or {}):
                self.folder.save_last(self.plan.before_to_disk(self.nlp).to_disk)

    def _save_state(self) -> None:
        if self.folder is None or self.guards.is_suspicious:
            return
        n_nameless = self.moments.count_nameless()
        if n_nameless and not self._has_warned:
            self._has_warned = True
            self.hooks.warn(Errors.SB432.format(n=n_nameless))
        self.progress.digest = self.stream.digest
        self.progress.stream = self.stream.start.to_json()
        self.progress.guards = self.guards.to_json()
        save_state(self.folder.resume, self.nlp, self.moments, self.progress)
        self._saved_step = self.progress.step

    def _explain(self, error: TrainingError) -> TrainingError:
        kept = "" if self.folder is None else self.folder.describe()
        best = self.progress.best
        if kept and best:
            kept += f" The best score is {best[0]:.4f}, of step {best[1]}."
        with suppress(OSError):  # what is on disk is what counts, not the picture of it
            self.hooks.on_row(self.log.rows)
        return TrainingError(Errors.SB429.format(step=self._step, reason=error, kept=kept))
