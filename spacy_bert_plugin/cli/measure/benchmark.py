"""Systems side by side: each in a process of its own, taking turns in interleaved rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...errors import WorkerError
from .agreement import compare_outputs
from .choices import BATCH_SIZE, Choice
from .outputs import Outputs, read_outputs
from .result import Measured, Result, Turn
from .rounds import take_turns
from .system import share_texts
from .worker import Worker

OPEN_PIPELINE = "spacy_bert_plugin.cli.measure.system:open_pipeline"
# Told what is being done, and how many steps that ends: (what, steps done).
ProgressT = Callable[[str, int], None]


@dataclass(frozen=True)
class Options:
    """How to measure.

    batch_size (int): Docs a batch.
    n_rounds, n_warm_up (int): Rounds that count, and before them those that do not.
    min_batches (int): Least batches of a round: the texts are run as many times as that takes.
    n_singles (int): Texts that are run alone in each round, spread over all texts.
    threads (int): Threads of each process.
    device (str): "cpu" or "cuda".
    code (str | None): Python file with registered functions that pipelines need.
    """

    batch_size: int = 64
    n_rounds: int = 5
    n_warm_up: int = 1
    min_batches: int = 20
    n_singles: int = 40
    threads: int = 1
    device: str = "cpu"
    code: str | None = None


@dataclass(frozen=True)
class System:
    """Something to measure.

    target (str): `module:function` that gives a `TimedSystem`.
    settings (Mapping): What it gets, beside what all of them get.
    batch_size (int | None): Docs a batch; None: as the others.
    reference (str): Name of the one that its outputs are held against; empty: the first.
    folder (Path | None): Where the module lies, if it is not installed.
    """

    name: str
    target: str = OPEN_PIPELINE
    settings: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int | None = None
    reference: str = ""
    folder: Path | None = None


def make_system(choice: Choice) -> System:
    """What measures a pipeline that was chosen; an override of `nlp.batch_size` is obeyed."""
    settings = {"path": choice.path, "overrides": choice.overrides}
    return System(choice.name, settings=settings, batch_size=choice.overrides.get(BATCH_SIZE))


def count_steps(n_systems: int, options: Options) -> int:
    """Steps that progress counts: loading, every turn, and the comparison."""
    return n_systems * (2 + options.n_warm_up + options.n_rounds)


def run_benchmark(
    systems: Sequence[System],
    texts: Sequence[str],
    options: Options,
    *,
    single_texts: Sequence[str] | None = None,
    is_strict: bool = True,
    progress: ProgressT | None = None,
) -> Result:
    """Measure systems on the same texts.

    systems (Sequence[System]): The first one counts words and pieces, and is what the others'
        outputs are held against.
    texts (Sequence[str]): At least one.
    single_texts (Sequence[str] | None): Texts to run alone; None: some of `texts`.
    is_strict (bool): Whether a system that fails ends it all; else it is left out and named in
        the result.
    RETURNS (Result): What was measured of each, in their order.
    RAISES (WorkerError): A system failed or died.
    """
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        singles = single_texts or pick_spread(texts, options.n_singles)
        shared = {
            "texts": share_texts(texts, folder / "texts.json"),
            "latency_texts": share_texts(singles, folder / "single.json"),
            "device": options.device,
            "code": options.code,
        }
        run = _Run(options, len(texts), shared, folder, is_strict, progress or _say_nothing)
        for system in systems:
            run.start(system, stack)
        run.warm_up()
        run.measure()
        run.compare()
        n_words, n_pieces = run.count()
    return Result(list(run.measured.values()), run.failed, len(texts), n_words, n_pieces)


class _Run:
    """The workers of a benchmark and what came of them so far."""

    def __init__(
        self,
        options: Options,
        n_texts: int,
        shared: dict[str, Any],
        folder: Path,
        is_strict: bool,
        progress: ProgressT,
    ) -> None:
        self.options, self.n_texts, self.shared = options, n_texts, shared
        self.folder, self.is_strict, self.progress = folder, is_strict, progress
        self.workers: dict[str, Worker] = {}
        self.measured: dict[str, Measured] = {}
        self.failed: dict[str, str] = {}
        self.references: dict[str, str] = {}

    def start(self, system: System, stack: ExitStack) -> None:
        """Load a system."""
        self.progress(f"loading {system.name}", 0)
        self.references[system.name] = system.reference
        batch_size = system.batch_size or self.options.batch_size
        n_passes = count_passes(self.n_texts, batch_size, self.options.min_batches)
        settings: dict[str, Any] = {"batch_size": batch_size, "n_passes": n_passes}
        number = len(self.workers) + len(self.failed)

        def load() -> None:
            worker = Worker(
                system.name,
                system.target,
                settings={**self.shared, **settings, **system.settings},
                threads=self.options.threads,
                log=self.folder / f"{number}.log",
                folder=system.folder,
            )
            self.workers[system.name] = stack.enter_context(worker)
            about = worker.call("describe")["result"]
            self.measured[system.name] = Measured(system.name, **settings, **about)

        self._try(system.name, load)
        self.progress(f"loaded {system.name}", 1)

    def warm_up(self) -> None:
        """Rounds that do not count. Most of what fails, fails here."""
        for number in range(self.options.n_warm_up):
            for name in list(self.workers):
                self.progress(f"warm-up {number + 1}, {name}", 0)
                self._try(name, partial(self._take_turn, name))
                self.progress(f"warm-up {number + 1}, {name}", 1)

    def measure(self) -> None:
        """Rounds that count."""

        def tell(number: int, name: str, turn: Turn) -> None:
            rate = f"{turn.seconds:.2f} s"
            self.progress(f"round {number} of {self.options.n_rounds}, {name}: {rate}", 1)

        turns = {name: partial(self._take_turn, name) for name in self.workers}
        found = take_turns(turns, n_rounds=self.options.n_rounds, n_warm_up=0, on_turn=tell)
        for name, measured in self.measured.items():
            measured.turns = found[name]
            # Before outputs are collected, which takes memory of its own.
            measured.memory = self.workers[name].call("read_memory")["result"]

    def compare(self) -> None:
        """Hold the outputs of every pipeline against those of its reference."""
        outputs: dict[str, Outputs] = {}
        for number, (name, worker) in enumerate(self.workers.items()):
            self.progress(f"comparing {name}", 1)
            if self.measured[name].components is not None:
                path = self.folder / f"{number}-outputs.json"
                worker.call("save_outputs", path=str(path))
                outputs[name] = read_outputs(path)
        for name, found in outputs.items():
            reference = self.references[name] or next(iter(outputs))
            if reference in outputs and reference != name:
                agreement = compare_outputs(outputs[reference], found)
                self.measured[name].agreement = agreement

    def count(self) -> tuple[int, int | None]:
        """Words and pieces of the texts, as the first pipeline cuts them."""
        pipelines = [
            worker
            for name, worker in self.workers.items()
            if self.measured[name].components is not None
        ]
        n_words = int(pipelines[0].call("count_words")["result"]) if pipelines else 0
        for worker in pipelines:
            n_pieces = worker.call("count_pieces")["result"]
            if n_pieces is not None:
                return n_words, int(n_pieces)
        return n_words, None

    def _take_turn(self, name: str) -> Turn:
        worker = self.workers[name]
        seconds = float(worker.call("run")["seconds"])
        return Turn(seconds, worker.call("run_singles")["result"])

    def _try(self, name: str, do: Callable[[], object]) -> None:
        try:
            do()
        except WorkerError as error:
            if self.is_strict:
                raise
            self.failed[name] = str(error)
            self.progress(f"left out: {str(error).splitlines()[0]}", 0)
            self.measured.pop(name, None)
            self.workers.pop(name, None)


def count_passes(n_texts: int, batch_size: int, min_batches: int) -> int:
    """How often texts are run for at least so many batches."""
    return max(1, -(-min_batches * batch_size // n_texts))


def pick_spread(texts: Sequence[str], n: int) -> list[str]:
    """Some of the texts, at equal distances in their order."""
    n = min(n, len(texts))
    return [texts[number * len(texts) // n] for number in range(n)]


def _say_nothing(what: str, n_steps: int) -> None:
    """For callers who do not want to know."""
