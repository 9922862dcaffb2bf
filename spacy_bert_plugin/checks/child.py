"""One check in a process of its own: `python -m spacy_bert_plugin.checks.child ROW FOLDER`.

The last line that it prints says what it has found, as JSON.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

from .result import CHECKS, SKIPPED, describe_error, run_check
from .run import SECONDS
from .subject import Subject


def main(row: str, folder: str) -> None:
    """Load the pipeline, make the check and print what was found."""
    warnings.simplefilter("ignore")
    subject = Subject(Path(folder), seconds=SECONDS)
    try:
        _ = subject.nlp
    except Exception as error:  # noqa: BLE001
        _answer({"unloaded": describe_error(error)})
        return
    result = run_check(CHECKS[int(row)], subject)
    _answer({"problem": result.reason or None, "is_skipped": result.status == SKIPPED})


def _answer(found: dict[str, object]) -> None:
    sys.stdout.write("\n" + json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
