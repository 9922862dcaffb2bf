"""Lanes have one thread of torch each, and leave everybody else's number alone."""

import threading

import pytest
import torch

from spacy_bert_plugin.batching import find_lanes

CPU = torch.device("cpu")


@pytest.fixture
def three_threads() -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def ask_new_thread() -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.usefixtures("three_threads")
def test_each_lane_has_one_thread_and_others_keep_theirs() -> None:
    with torch.inference_mode():
        lanes = find_lanes(CPU)
        assert lanes is not None
        assert find_lanes(CPU) is lanes
        barrier = threading.Barrier(3)  # passed only by three at the same time

        def count(_: int) -> int:
            barrier.wait(10)
            return torch.get_num_threads()

        assert list(lanes.map(count, range(3))) == [1, 1, 1]
        assert lanes.submit(find_lanes, CPU).result() is None
    assert torch.get_num_threads() == 3
    assert ask_new_thread() == 3


@pytest.mark.usefixtures("three_threads")
def test_there_are_none_where_they_would_not_help() -> None:
    assert torch.is_grad_enabled()
    assert find_lanes(CPU) is None
    with torch.inference_mode():
        assert find_lanes(torch.device("cuda")) is None
        torch.set_num_threads(1)
        assert find_lanes(CPU) is None
