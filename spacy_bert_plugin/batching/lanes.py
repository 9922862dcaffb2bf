"""Lanes: threads that run batches side by side, each of them with one thread of torch.

Small matrix products scale badly over threads: two batches side by side, one core each, run faster
than one after the other on both (by 15 % in fp32 and 30 % in bf16 on two cores). What a lane
computes does not depend on what the others do.

    two torch threads    |--1--|--2--|--3--|--4--|      every product, sum and norm split in two
    two lanes            |----1----|----3----|
                         |----2----|----4----|
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock, Thread

import torch

_OPEN: dict[tuple[int, int], ThreadPoolExecutor] = {}
_LOCK = Lock()


def find_lanes(device: torch.device) -> ThreadPoolExecutor | None:
    """Find the lanes of this process: as many as the calling thread may use threads.

    RETURNS (ThreadPoolExecutor | None): None where lanes would not help: on other devices, with one
        thread, in a lane itself, and while a gradient is recorded.
    """
    n_lanes = torch.get_num_threads()
    if device.type != "cpu" or n_lanes < 2 or torch.is_grad_enabled():
        return None
    # Threads do not survive a fork: a child has lanes of its own.
    key = os.getpid(), n_lanes
    with _LOCK:
        if key not in _OPEN:
            _OPEN[key] = _open_lanes(n_lanes)
        return _OPEN[key]


def _open_lanes(n_lanes: int) -> ThreadPoolExecutor:
    lanes = ThreadPoolExecutor(n_lanes, "bert-lane", initializer=_use_one_thread)
    wait: Callable[[], int] = Barrier(n_lanes).wait
    for started in [lanes.submit(wait) for _ in range(n_lanes)]:
        started.result()
    # torch sets the number for the thread that asks, and as the default of threads to come: the
    # lanes have changed that default, and a thread that lives no longer than this puts it back.
    restore = Thread(target=torch.set_num_threads, args=(n_lanes,))
    restore.start()
    restore.join()
    return lanes


def _use_one_thread() -> None:
    # A thread takes over the default when it first asks, even after it has set a number.
    torch.get_num_threads()
    torch.set_num_threads(1)
