"""The example as its users run it: 8 clients at once, in one process and in forked ones."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import spacy

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

APP = Path(__file__).parent.parent.parent / "examples" / "fastapi_app" / "app.py"
TEXTS = [f"book a table in london {'please ' * (n % 5)}w{n}" for n in range(48)]
Start = Callable[..., int]


@pytest.fixture
def start(model: Path, tmp_path: Path) -> Iterator[Start]:
    """Start the app. RETURNS: Its port. In the end it must stop when told to, and log no text."""
    processes: list[subprocess.Popen[str]] = []
    log = (tmp_path / "log").open("w+", encoding="utf8")

    def begin(*options: str) -> int:
        command = [sys.executable, str(APP), str(model), "--port", "0", *options]
        # A group of its own, so that nothing is left of it whatever happens.
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        )
        processes.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        log.seek(0)
        assert line.startswith("listening on port "), log.read()
        return int(line.split()[-1])

    try:
        yield begin
        for process in processes:
            process.terminate()
            process.communicate(timeout=60)
            with pytest.raises(ProcessLookupError):
                os.killpg(process.pid, 0)
        log.seek(0)
        assert log.read() == ""
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        log.close()


def ask(port: int, body: object) -> tuple[int, Any]:
    """Send a request. RETURNS: Status and answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/predict", json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.mark.parametrize(
    "options",
    [
        (),
        pytest.param(
            ("--workers", "2"),
            marks=pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here"),
        ),
    ],
)
def test_eight_clients(start: Start, model: Path, options: tuple[str, ...]) -> None:
    nlp = spacy.load(model)
    port = start(*options)
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda text: ask(port, {"text": text}), TEXTS))
    for text, (status, answer) in zip(TEXTS, answers, strict=True):
        doc = nlp(text)
        assert status == 200
        assert answer["cats"] == pytest.approx(doc.cats, abs=1e-5)
        found = [(ent["label"], ent["start"], ent["end"]) for ent in answer["ents"]]
        assert found == [(ent.label_, ent.start_char, ent.end_char) for ent in doc.ents]
    status, answer = ask(port, {"text": ["SECRET"]})
    assert status == 422
    assert "SECRET" not in str(answer)
    assert ask(port, {"text": "SECRET" * 20_000})[0] == 422


def test_too_many_clients_are_sent_away(start: Start) -> None:
    port = start("--threads", "1", "--max-waiting", "1")
    text = "book a table in london " * 400
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda n: ask(port, {"text": text}), range(8)))
    statuses = [status for status, _ in answers]
    assert set(statuses) <= {200, 429}
    assert statuses.count(200) >= 1
    assert statuses.count(429) >= 1
    assert ask(port, {"text": "a table"})[0] == 200
