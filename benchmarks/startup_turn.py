"""One fresh process of `startup.py`: imports, loads, runs one text, and says how long each took.

Nothing is imported up here that a system under measurement might be said to need.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time

from pipelines import hide_others

# What takes long to import and is not needed to load a pipeline of ours.
HEAVY = ("transformers", "torch._dynamo", "torch._inductor", "torchvision", "sympy", "matplotlib")


def take_turn(system: str, modules: list[str], path: str) -> dict[str, object]:
    """Time the imports, `spacy.load` and the first text; 0.0 for what there is not."""
    hide_others(system)
    start = time.perf_counter()
    for name in modules:
        importlib.import_module(name)
    imported = time.perf_counter()
    loaded = first = imported
    if path:
        nlp = importlib.import_module("spacy").load(path)
        loaded = time.perf_counter()
        nlp("Please book a table for two at an Italian place in New York tomorrow night.")
        first = time.perf_counter()
    return {
        "import": imported - start,
        "load": loaded - imported,
        "total": loaded - start,
        "first_text": first - loaded,
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "modules": len(sys.modules),
        "heavy": [name for name in HEAVY if name in sys.modules],
    }


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    print("\n" + json.dumps(take_turn(**settings)))
