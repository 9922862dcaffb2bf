"""A small web service: one pipeline, shared by all requests of a process.

    pip install "spacy-bert-plugin[examples]"
    python examples/fastapi_app/app.py path/to/pipeline                 # one process
    python examples/fastapi_app/app.py path/to/pipeline --workers 4     # forked once it is loaded
    curl -X POST localhost:8000/predict -H 'Content-Type: application/json' -d '{"text": "..."}'

Answers 200 with entities and categories; 422 to what is no text or too long a one; 429 where as
many requests wait as may wait; 504 where an answer took too long. No text is written to any log.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any

import spacy
import uvicorn
from desk import Desk, FullError
from fastapi import Body, FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from spacy.language import Language

from spacy_bert_plugin.pipeline.zones import SharedZone

MAX_CHARACTERS = 20_000
WARM_UP = "A first text, so that what is made once is made before the workers are."


def answer(nlp: Language, zone: SharedZone, text: str) -> dict[str, Any]:
    """What a client gets for a text. Threads may call it at the same time."""
    # Strings that only some texts have are forgotten with them: memory stays flat for years.
    with zone.enter():
        doc = nlp(text)
        ents = [
            {"text": ent.text, "label": ent.label_, "start": ent.start_char, "end": ent.end_char}
            for ent in doc.ents
        ]
        return {"ents": ents, "cats": dict(doc.cats)}


def create_app(
    nlp: Language, *, n_threads: int = 2, max_waiting: int = 16, seconds: float = 30.0
) -> FastAPI:
    """Make the service.

    nlp (Language): A loaded pipeline.
    n_threads (int): Texts that are worked on at the same time in a process.
    max_waiting (int): Texts that may wait beside them.
    seconds (float): How long a client waits at most.
    """

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        # Threads do not survive a fork, so they are made by the worker that needs them.
        zone = SharedZone(nlp)
        app.state.desk = Desk(
            partial(answer, nlp, zone), n_threads=n_threads, max_waiting=max_waiting
        )
        yield
        app.state.desk.close()
        zone.close()

    app = FastAPI(lifespan=live, title="spacy-bert-plugin")

    @app.post("/predict")
    async def predict(
        text: Annotated[str, Body(embed=True, max_length=MAX_CHARACTERS)],
    ) -> dict[str, Any]:
        try:
            found: dict[str, Any] = await app.state.desk.answer(text, seconds=seconds)
        except FullError:
            headers = {"Retry-After": "1"}
            raise HTTPException(429, "too many requests wait already", headers) from None
        except TimeoutError:
            raise HTTPException(504, "this took too long") from None
        return found

    @app.exception_handler(RequestValidationError)
    async def refuse(_: Any, error: RequestValidationError) -> JSONResponse:
        # The default answer repeats what was sent.
        problems = [{"where": e["loc"], "problem": e["msg"]} for e in error.errors()]
        return JSONResponse({"detail": problems}, 422)

    @app.get("/health")
    async def tell_health() -> dict[str, int]:
        return {"requests": app.state.desk.n_taken}

    return app


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Answer requests until told to stop."""
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run([listener])


def serve_forked(app: FastAPI, listener: socket.socket, n_workers: int) -> None:
    """Answer requests in workers that share the memory of the loaded pipeline."""
    workers = set()
    for _ in range(n_workers):
        pid = os.fork()
        if pid == 0:
            serve(app, listener)
            os._exit(0)
        workers.add(pid)

    def stop(*_: Any) -> None:
        for pid in workers:
            os.kill(pid, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    while workers:
        pid, _ = os.wait()
        workers.discard(pid)
        # Where one ends all end: whoever supervises the service starts it again as a whole.
        stop()


def main() -> None:
    """Load, predict once, listen."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pipeline")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 for any that is free")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="of each worker")
    parser.add_argument("--max-waiting", type=int, default=16, help="requests of each worker")
    arguments = parser.parse_args()
    nlp = spacy.load(arguments.pipeline)
    nlp(WARM_UP)
    app = create_app(nlp, n_threads=arguments.threads, max_waiting=arguments.max_waiting)
    listener = socket.create_server((arguments.host, arguments.port), backlog=128)
    print(f"listening on port {listener.getsockname()[1]}", flush=True)
    if arguments.workers > 1:
        serve_forked(app, listener, arguments.workers)
    else:
        serve(app, listener)


if __name__ == "__main__":
    main()
