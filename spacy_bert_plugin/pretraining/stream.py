"""The windows of all epochs in the order in which they are learned from.

    epoch       passages in random order, by seed and epoch
    block       windows of many passages, shuffled; what bounds the memory
    step        windows up to a number of pieces
    batches     those of a step that run together, of similar length

The state of the stream is a number of an epoch and a number of steps in it: nothing else is needed
to go on, and going on costs no more than making the plan of one epoch.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ..pieces import IntArray
from .batches import Collator, PretrainingBatch, measure
from .masking import make_key
from .windows import WindowPlanner

BLOCK = 65_536


@dataclass
class Place:
    """Where a stream is.

    epoch: From 0.
    step: Steps of this epoch that have been taken.
    """

    epoch: int = 0
    step: int = 0


@dataclass(frozen=True)
class Step:
    """What one update learns from.

    epoch, number: Its place: see `Place`.
    batches: One for each forward pass.
    """

    epoch: int
    number: int
    batches: list[PretrainingBatch]

    @property
    def n_pieces(self) -> int:
        """Pieces of all batches."""
        return sum(batch.packed.n_pieces for batch in self.batches)


@dataclass(frozen=True)
class StepStream:
    """Gives the batches of each step.

    planner, collator: Make windows and batches.
    seed: Of everything that is left to chance.
    step_pieces, batch_pieces: Pieces of a step, and of a forward pass.
    max_epochs: Where it ends; 0: never.
    """

    planner: WindowPlanner
    collator: Collator
    seed: int
    step_pieces: int
    batch_pieces: int
    max_epochs: int = 0
    block: int = field(default=BLOCK)

    def iter_steps(self, start: Place | None = None) -> Iterator[Step]:
        """Give steps from a place on."""
        place = start or Place()
        epoch, skipped = place.epoch, place.step
        while not self.max_epochs or epoch < self.max_epochs:
            for number, windows in enumerate(self._plan_steps(epoch)):
                if number >= skipped:
                    batches = self.make_batches(windows, key=make_key(self.seed, epoch))
                    yield Step(epoch, number, batches)
            epoch, skipped = epoch + 1, 0

    def make_batches(self, windows: IntArray, *, key: int) -> list[PretrainingBatch]:
        """Cut the windows of a step into batches, by length."""
        lengths = measure(windows, self.planner.frame)
        order = np.argsort(-lengths, kind="stable")
        parts = _cut(lengths[order], self.batch_pieces)
        return [self.collator.collate(windows[order[part]], key=key) for part in parts]

    def _plan_steps(self, epoch: int) -> Iterator[IntArray]:
        """YIELDS: The windows of each step. Shape: (n_windows, 5)"""
        held: IntArray | None = None
        for windows in self._plan_blocks(epoch):
            if held is not None:
                windows = np.concatenate([held, windows])
                held = None
            parts = _cut(measure(windows, self.planner.frame), self.step_pieces)
            yield from (windows[part] for part in parts[:-1])
            held = windows[parts[-1]]
        if held is not None:
            yield held

    def _plan_blocks(self, epoch: int) -> Iterator[IntArray]:
        """YIELDS: Windows of several passages, shuffled."""
        rng = np.random.default_rng([self.seed, epoch])
        gathered: list[IntArray] = []
        n_windows = 0
        for passage in rng.permutation(self.planner.store.n_passages).tolist():
            windows = self.planner.plan(passage, np.random.default_rng([self.seed, epoch, passage]))
            gathered.append(windows)
            n_windows += len(windows)
            if n_windows >= self.block:
                yield rng.permutation(np.concatenate(gathered))
                gathered, n_windows = [], 0
        if n_windows:
            yield rng.permutation(np.concatenate(gathered))


def _cut(lengths: IntArray, budget: int) -> list[slice]:
    """Cut a row of windows into parts of at most so many pieces, but at least one window."""
    parts, begin = [], 0
    ends = np.cumsum(lengths)
    while begin < len(lengths):
        base = int(ends[begin - 1]) if begin else 0
        end = int(np.searchsorted(ends, base + budget, side="right"))
        end = max(end, begin + 1)
        parts.append(slice(begin, end))
        begin = end
    return parts
