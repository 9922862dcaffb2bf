"""A system under measurement: what a worker builds and what it is asked for."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import Errors, SettingError
from .memory import read_gpu_peak, read_peak, read_resident

if TYPE_CHECKING:
    from spacy.language import Language


class TimedSystem(ABC):
    """Runs all texts as fast as it can, and single ones.

    settings (dict): `texts` (path of a JSON list), `latency_texts` (path of another), `n_passes`
        (passes over the texts in one round).
    load_seconds (float): What it took to become ready, imports included.
    """

    def __init__(self, settings: dict[str, Any], *, load_seconds: float) -> None:
        self.texts = read_json(settings["texts"])
        self.single_texts = read_json(settings["latency_texts"])
        self.n_passes: int = settings["n_passes"]
        self.load_seconds = load_seconds
        self.loaded_bytes = read_resident()

    @abstractmethod
    def run(self) -> None:
        """Everything, `n_passes` times. This is timed."""

    @abstractmethod
    def run_one(self, number: int) -> None:
        """One of the `latency_texts`, alone."""

    def run_singles(self) -> list[float]:
        """Seconds of each of the `latency_texts`; the first one is run once more before."""
        self.run_one(0)
        return [self._time_one(number) for number in range(len(self.single_texts))]

    def describe(self) -> dict[str, Any]:
        """What is known before anything has run."""
        return {"load_seconds": self.load_seconds, "loaded_bytes": self.loaded_bytes}

    def read_memory(self) -> dict[str, int | None]:
        """Highest memory so far, in bytes."""
        return {"peak_bytes": read_peak(), "gpu_peak_bytes": read_gpu_peak()}

    def _time_one(self, number: int) -> float:
        start = time.perf_counter()
        self.run_one(number)
        return time.perf_counter() - start


class PipelineSystem(TimedSystem):
    """A spaCy pipeline, timed from text to Doc.

    nlp (Language): The pipeline.
    settings (dict): Those of `TimedSystem`, and `batch_size`, `device`.
    """

    def __init__(self, nlp: Language, settings: dict[str, Any], *, load_seconds: float) -> None:
        super().__init__(settings, load_seconds=load_seconds)
        self.nlp = nlp
        self.batch_size: int = settings["batch_size"]
        self.is_cuda = settings["device"] == "cuda"

    def run(self) -> None:
        """Read the whole stream and let go of every Doc, as a service does.

        RAISES (SettingError): Texts are lost on the way.
        """
        stream = chain.from_iterable(repeat(self.texts, self.n_passes))
        n_docs = sum(1 for _ in self.nlp.pipe(stream, batch_size=self.batch_size))
        synchronize(self.is_cuda)
        expected = self.n_passes * len(self.texts)
        if n_docs != expected:
            raise SettingError(Errors.SB709.format(name="nlp.pipe", got=n_docs, expected=expected))

    def run_one(self, number: int) -> None:
        """`nlp(text)`."""
        self.nlp(self.single_texts[number])
        synchronize(self.is_cuda)

    def describe(self) -> dict[str, Any]:
        """Components as well."""
        return {**super().describe(), "components": list(self.nlp.pipe_names)}

    def count_words(self) -> int:
        """spaCy tokens of all texts, by this pipeline's tokenizer."""
        return sum(len(self.nlp.make_doc(text)) for text in self.texts)

    def count_pieces(self) -> int | None:
        """Pieces of all texts, special ones left out; None without a `bert_transformer`."""
        for name in self.nlp.pipe_names:
            if self.nlp.get_pipe_meta(name).factory == "bert_transformer":
                return self._count_pieces(self.nlp.get_pipe(name))
        return None

    def save_outputs(self, path: str) -> None:
        """Write what the pipeline says of each text."""
        from .outputs import collect_outputs, write_outputs

        metas = [self.nlp.get_pipe_meta(name) for name in self.nlp.pipe_names]
        docs = self.nlp.pipe(self.texts, batch_size=self.batch_size)
        found = collect_outputs(docs, assigns=[name for meta in metas for name in meta.assigns])
        write_outputs(found, Path(path))

    def _count_pieces(self, component: Any) -> int:
        from ...layers import get_shim

        tokenizer = get_shim(component.model).checkpoint.tokenizer
        return sum(len(pieces) for pieces in tokenizer.encode(self.texts))


def open_pipeline(settings: dict[str, Any]) -> PipelineSystem:
    """Load a pipeline and note how long that took.

    settings (dict): Those of `PipelineSystem`, and `path`, `overrides` (by dotted name) and
        `code` (a Python file with registered functions, or None).
    """
    start = time.perf_counter()
    import spacy

    use_device(settings["device"])
    if settings["code"]:
        from spacy.util import import_file

        import_file("python_code", settings["code"])
    nlp = spacy.load(settings["path"], config=settings["overrides"])
    return PipelineSystem(nlp, settings, load_seconds=time.perf_counter() - start)


def use_device(device: str) -> None:
    """Put pipelines that are loaded from now on onto a device.

    device (str): "cpu" or "cuda".
    RAISES (SettingError): torch or CuPy finds no GPU.
    """
    if device == "cpu":
        return
    import spacy
    import torch
    from thinc.api import set_gpu_allocator

    for package, is_there in (("torch", torch.cuda.is_available()), ("CuPy", spacy.prefer_gpu())):
        if not is_there:
            raise SettingError(Errors.SB707.format(package=package))
    # thinc and torch would each keep memory that the other cannot have.
    set_gpu_allocator("pytorch")


def synchronize(is_cuda: bool) -> None:
    """Wait for the GPU: what was only queued is not done."""
    if is_cuda:
        import torch

        torch.cuda.synchronize()


def share_texts(texts: Sequence[str], path: Path) -> str:
    """Write texts where every worker reads them. RETURNS (str): The path."""
    path.write_text(json.dumps(list(texts)), encoding="utf8")
    return str(path)


def read_json(path: str) -> list[str]:
    """Read what `share_texts` wrote."""
    texts: list[str] = json.loads(Path(path).read_text(encoding="utf8"))
    return texts
