"""The desk of the example: what is too much is refused, and who gives up gives a place back."""

import asyncio
import threading
from pathlib import Path

import pytest
import spacy
from desk import Desk, FullError

from spacy_bert_plugin.pipeline.zones import SharedZone


def test_more_than_fits_is_refused_at_once() -> None:
    go = threading.Event()
    desk = Desk(lambda text: go.wait(60) and text, n_threads=1, max_waiting=2)

    async def run() -> list[object]:
        asked = [asyncio.create_task(desk.answer(str(n))) for n in range(8)]
        await asyncio.sleep(0.01)
        assert [task.done() for task in asked] == [False] * 3 + [True] * 5  # nobody has answered
        go.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(run())
    assert answers[:3] == ["0", "1", "2"]
    assert {type(answer) for answer in answers[3:]} == {FullError}
    desk.close()


def test_who_gives_up_gives_a_place_back() -> None:
    go, begun = threading.Event(), []

    def work(text: str) -> str:
        begun.append(text)
        go.wait(60)
        return text

    desk = Desk(work, n_threads=1, max_waiting=1)

    async def run() -> None:
        runs = asyncio.create_task(desk.answer("runs"))
        waits = asyncio.create_task(desk.answer("waits"))
        while not begun:
            await asyncio.sleep(0.01)
        waits.cancel()
        await asyncio.sleep(0.01)
        assert desk.n_taken == 1
        with pytest.raises(TimeoutError):
            await desk.answer("slow", seconds=0.01)
        await asyncio.sleep(0.01)
        other = asyncio.create_task(desk.answer("other"))
        runs.cancel()  # a thread works on it and cannot be stopped: its place is not free yet
        await asyncio.sleep(0.01)
        assert desk.n_taken == 2
        with pytest.raises(FullError):
            await desk.answer("one too many")
        go.set()
        assert await other == "other"
        await asyncio.sleep(0.01)
        assert desk.n_taken == 0

    asyncio.run(run())
    desk.close()
    assert begun == ["runs", "other"]


def test_an_error_is_passed_on_and_frees_its_place() -> None:
    def fail(text: str) -> str:
        raise ValueError(f"cannot {text}")

    desk = Desk(fail, n_threads=1, max_waiting=0)

    async def run() -> None:
        for _ in range(3):
            with pytest.raises(ValueError, match="cannot read"):
                await desk.answer("read")
            await asyncio.sleep(0)

    asyncio.run(run())
    assert desk.n_taken == 0


def test_eight_clients_get_what_one_gets(model: Path) -> None:
    """Without a server: the desk, one pipeline and a zone, 8 requests at a time."""
    nlp = spacy.load(model)
    zone = SharedZone(nlp, n_texts=20)
    texts = [f"book a table in london {'please ' * (n % 5)}w{n}" for n in range(80)]

    def answer(text: str) -> tuple[list[str], dict[str, float]]:
        with zone.enter():
            doc = nlp(text)
            return [token.text for token in doc], dict(doc.cats)

    expected = [answer(text) for text in texts]
    desk = Desk(answer, n_threads=4, max_waiting=8)

    async def client(first: int) -> list[tuple[list[str], dict[str, float]]]:
        return [await desk.answer(text) for text in texts[first::8]]

    async def run() -> None:
        for first, answers in enumerate(await asyncio.gather(*map(client, range(8)))):
            assert answers == expected[first::8]

    asyncio.run(run())
    desk.close()
