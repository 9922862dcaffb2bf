"""The measured side: a system in a process of its own that does what it is told, line by line.

    python -m spacy_bert_plugin.cli.measure.serve MODULE:FUNCTION

The first line of the input is the settings that FUNCTION gets; every further one names a method
of what it returned: `{"do": "run", ...}`. An answer is one line of JSON. Nothing but the standard
library is imported here, so that the system finds a fresh process.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from typing import Any, TextIO


def serve(target: str, requests: TextIO, answers: TextIO) -> None:
    """Build the system from the first line, then answer until there are no more.

    target (str): `module:function`.
    requests, answers (TextIO): Lines of JSON. An answer has `seconds` and `result`, or `error`
        and `trace`.
    """
    module, _, function = target.partition(":")
    system: Any = None
    for line in requests:
        request = json.loads(line)
        try:
            if system is None:
                system = getattr(importlib.import_module(module), function)(request)
                answer = json.dumps({"ready": True})
            else:
                answer = json.dumps(_do(system, request))
        except Exception as error:  # noqa: BLE001 (the other side decides what to make of it)
            failed = {"error": describe_error(error), "trace": traceback.format_exc()}
            answer = json.dumps(failed)
        answers.write(f"{answer}\n")
        answers.flush()


def describe_error(error: BaseException) -> str:
    """Name of the error and its message."""
    return f"{type(error).__name__}: {error}"


def _do(system: Any, request: dict[str, Any]) -> dict[str, Any]:
    method = getattr(system, request.pop("do"))
    start = time.perf_counter()
    result = method(**request)
    return {"seconds": time.perf_counter() - start, "result": result}


def main() -> None:
    """Answer over what was the standard output; what anybody prints goes to the error output."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)
    with answers:
        serve(sys.argv[1], sys.stdin, answers)


if __name__ == "__main__":
    main()
