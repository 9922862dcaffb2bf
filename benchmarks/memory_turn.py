"""One process of `memory.py`: loads a pipeline, runs one document or one stream, tells its memory.

It writes a line of JSON whenever there is something to tell; the last one is what was reached.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from pipelines import hide_others

MIB = 2**20
# How often a stream tells where it is.
N_TELLS = 20
WARM_UP = "A short text first, so that what is made once is not counted."


def resident_mib() -> float:
    """Resident memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / MIB


def peak_mib() -> float:
    """Highest resident memory of this process so far, or since `forget_peak`."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(status.partition("VmHWM:")[2].split()[0]) / 1024


def forget_peak() -> None:
    """Begin anew: loading may take more than what is measured."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def run(*, system: str, path: str, series: str, data_dir: str, size: int) -> None:
    """Run one text of `size` words, or `size` short texts that are let go of."""
    hide_others(system)
    import spacy

    nlp = spacy.load(path)
    nlp(WARM_UP)
    texts = read_texts(series, Path(data_dir), size=size)
    state = {"loading": peak_mib(), "before": resident_mib(), "done": 0, "tokens": 0}
    forget_peak()
    start = time.perf_counter()

    def tell() -> None:
        seconds = time.perf_counter() - start
        numbers = {"resident": resident_mib(), "peak": peak_mib(), "seconds": seconds}
        print(json.dumps({**state, **numbers}), flush=True)

    tell()
    if series == "document":
        text = next(texts)
        nlp.max_length = len(text) + 1
        state.update(tokens=len(nlp(text)), done=size)
    else:
        for number, doc in enumerate(nlp.pipe(texts), start=1):
            state["done"] = number
            state["tokens"] += len(doc)
            if number % max(size // N_TELLS, 1) == 0:
                tell()
    tell()


def read_texts(series: str, data_dir: Path, *, size: int) -> Iterator[str]:
    """One long text, or a stream of real short ones, again and again."""
    from texts import READERS, long_text

    if series == "document":
        return iter([long_text(data_dir, n_words=size)])
    short = [text for kind in ("commands", "reviews", "posts") for text in READERS[kind](data_dir)]
    return islice(cycle(short), size)


if __name__ == "__main__":
    settings: dict[str, Any] = json.loads(sys.argv[1])
    run(**settings)
