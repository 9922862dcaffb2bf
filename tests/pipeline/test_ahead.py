"""Work begins ahead of what is handed on; order, failures and early ends are as without it."""

from collections.abc import Iterator

import pytest

from spacy_bert_plugin.pipeline.ahead import look_ahead


class Work:
    """Doubles its numbers; remembers what happened to it."""

    begun: list[int]
    cancelled: list[int]

    def __init__(self, numbers: list[int]) -> None:
        if 13 in numbers:
            raise ValueError("unlucky")
        self.numbers = numbers
        type(self).begun.append(numbers[0])

    def finish(self) -> list[int]:
        return [2 * number for number in self.numbers]

    def cancel(self) -> None:
        type(self).cancelled.append(self.numbers[0])


@pytest.fixture(autouse=True)
def fresh() -> None:
    Work.begun, Work.cancelled = [], []


def stream(*batches: list[int]) -> Iterator[list[int]]:
    for batch in batches:
        if batch == [0]:
            raise OSError("the source is gone")
        yield batch


@pytest.mark.parametrize("n_ahead", [0, 1, 5])
def test_everything_comes_in_order(n_ahead: int) -> None:
    found = [
        (batch, work.finish()) for batch, work in look_ahead(stream([1, 2], [3]), Work, n_ahead)
    ]
    assert found == [([1, 2], [2, 4]), ([3], [6])]
    assert list(look_ahead(stream(), Work, n_ahead)) == []


@pytest.mark.parametrize(("n_ahead", "begun"), [(0, [1]), (1, [1, 2]), (9, [1, 2, 3])])
def test_so_many_begin_before_the_first_is_handed_on(n_ahead: int, begun: list[int]) -> None:
    batches = look_ahead(stream([1], [2], [3]), Work, n_ahead)
    next(batches)
    assert Work.begun == begun
    batches.close()
    assert Work.cancelled == begun[1:]


@pytest.mark.parametrize("n_ahead", [0, 1, 5])
def test_what_came_before_a_failing_source_is_handed_on(n_ahead: int) -> None:
    batches = look_ahead(stream([1], [2], [0], [3]), Work, n_ahead)
    assert [next(batches)[1].finish() for _ in range(2)] == [[2], [4]]
    with pytest.raises(OSError, match="gone"):
        next(batches)


@pytest.mark.parametrize("n_ahead", [0, 1])
def test_work_that_cannot_begin_fails_in_its_turn(n_ahead: int) -> None:
    found = []
    for batch, work in look_ahead(stream([1], [13], [3]), Work, n_ahead):
        if batch == [13]:
            with pytest.raises(ValueError, match="unlucky"):
                work.finish()
        else:
            found.append(work.finish())
    assert found == [[2], [6]]
