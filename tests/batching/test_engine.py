"""Batches run in order or side by side, in halves where memory is short, and none is lost."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from spacy_bert_plugin.batching import BatchRun
from spacy_bert_plugin.batching.engine import IntArray, is_out_of_memory

NO_MEMORY = [
    torch.OutOfMemoryError("no room"),
    MemoryError(),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."),
]


class Device:
    """Gives the windows of each batch back; has room for so many."""

    def __init__(self, room: int, error: BaseException = NO_MEMORY[0]) -> None:
        self.room, self.error, self.n_failed, self.n_ran = room, error, 0, 0

    def prepare(self, batches: Sequence[IntArray]) -> Callable[[int], list[int]]:
        def run(number: int) -> list[int]:
            if len(batches[number]) > self.room:
                self.n_failed += 1
                raise self.error
            self.n_ran += 1
            found: list[int] = batches[number].tolist()
            return found

        return run


@pytest.fixture(params=[None, 1, 3])
def lanes(request: pytest.FixtureRequest) -> object:
    if request.param is None:
        yield None
        return
    with ThreadPoolExecutor(request.param) as executor:
        yield executor


def collect(run: BatchRun[list[int]]) -> list[int]:
    return [window for result in run.collect() for window in result]


@pytest.mark.parametrize("error", NO_MEMORY, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("room", [1, 2, 3, 100])
def test_batches_that_do_not_fit_are_halved_until_they_do(
    room: int, error: BaseException, lanes: ThreadPoolExecutor | None
) -> None:
    device = Device(room, error)
    run = BatchRun([np.arange(9), np.arange(9, 11)], device.prepare, lanes=lanes)
    assert collect(run) == list(range(11))  # each once, in order
    assert (device.n_failed > 0) == (room < 9)


@pytest.mark.parametrize("error", NO_MEMORY, ids=lambda error: type(error).__name__)
def test_window_that_does_not_fit_alone_is_an_error(
    error: BaseException, lanes: ThreadPoolExecutor | None
) -> None:
    with pytest.raises(type(error)):
        collect(BatchRun([np.arange(4)], Device(0, error).prepare, lanes=lanes))


def test_other_errors_are_not_tried_again(lanes: ThreadPoolExecutor | None) -> None:
    device = Device(1, RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError, match="shapes"):
        collect(BatchRun([np.arange(4), np.arange(4, 6)], device.prepare, lanes=lanes))
    assert device.n_ran == 0
    assert not is_out_of_memory(KeyError("can't allocate memory"))


def test_no_batches_run_nothing(lanes: ThreadPoolExecutor | None) -> None:
    device = Device(1)
    assert collect(BatchRun([], device.prepare, lanes=lanes)) == []
    assert device.n_ran == 0


def test_without_lanes_nothing_runs_before_it_is_asked_for() -> None:
    device = Device(9)
    run = BatchRun([np.arange(2), np.arange(2, 4)], device.prepare)
    assert device.n_ran == 0
    assert next(iter(run.collect())) == [0, 1]
    assert device.n_ran == 1


def test_cancelled_batches_do_not_run() -> None:
    begun, go_on, ran = threading.Event(), threading.Event(), []

    def prepare(batches: Sequence[IntArray]) -> Callable[[int], int]:
        def run(number: int) -> int:
            begun.set()
            go_on.wait(10)
            ran.append(number)
            return number

        return run

    with ThreadPoolExecutor(1) as lanes:
        run = BatchRun([np.arange(1)] * 4, prepare, lanes=lanes)
        begun.wait(10)
        stopper = threading.Thread(target=run.cancel)
        stopper.start()
        go_on.set()
        stopper.join(10)
    assert ran == [0]  # the one that had begun was waited for
    assert list(run.collect()) == [0, 1, 2, 3]  # whoever asks all the same gets them
