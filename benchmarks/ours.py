"""This package's encoder as a system under measurement: in a pipeline, and run bare."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import spacy
import torch
from spacy.language import Language

from spacy_bert_plugin.cli.measure.system import TimedSystem, synchronize, use_device
from spacy_bert_plugin.layers import get_shim

# What the encoder is called with: positional and named arguments.
CallT = tuple[tuple[Any, ...], dict[str, Any]]


def build_nlp(settings: dict[str, Any], *, precision: str, keep: str = "doc") -> Language:
    """A pipeline of nothing but the shared encoder, as its factory sets it up."""
    nlp = spacy.blank("en")
    config = {
        "model": {"name": settings["checkpoint"]},
        "precision": precision,
        "keep": keep,
    }
    nlp.add_pipe("bert_transformer", config=config)
    nlp.initialize()
    return nlp


class BareEncoder(TimedSystem):
    """The encoder on batches that were prepared before the clock started.

    Nothing but forward passes: no tokenizer, no Docs, no alignment. What `nlp.pipe` can reach at
    best. On a processor, batches run one after the other on all threads, or side by side on one
    thread each: whichever is faster, which is tried once at the beginning.

    settings (dict): Those of `TimedSystem`, `checkpoint`, `precision`, `device` and `threads`.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        start = time.perf_counter()
        use_device(settings["device"])
        nlp = build_nlp(settings, precision=settings["precision"])
        super().__init__(settings, load_seconds=time.perf_counter() - start)
        self.is_cuda = settings["device"] == "cuda"
        pipe = nlp.get_pipe("bert_transformer")
        self.encoder = get_shim(pipe.model).checkpoint.encoder
        if settings.get("batch_pieces"):
            pipe.model.attrs["settings"].batch_pieces = settings["batch_pieces"]
        self.batches = record_calls(pipe, [nlp.make_doc(text) for text in self.texts])
        self.singles = [
            record_calls(pipe, [nlp.make_doc(text)]) for text in dict.fromkeys(self.single_texts)
        ]
        self.places = {text: n for n, text in enumerate(dict.fromkeys(self.single_texts))}
        self.threads: int = settings["threads"]
        self.n_workers = 0
        if not self.is_cuda:
            self.n_workers = find_workers(self)

    def run(self) -> None:
        """One forward pass a batch."""
        if self.n_workers:
            with ThreadPoolExecutor(self.n_workers, initializer=use_one_thread) as pool:
                list(pool.map(self._call, self.batches * self.n_passes))
        else:
            torch.set_num_threads(self.threads)  # part of what workers set holds for all
            for call in self.batches * self.n_passes:
                self._call(call)
        synchronize(self.is_cuda)

    def run_one(self, number: int) -> None:
        """The forward pass of one text, on all threads."""
        for call in self.singles[self.places[self.single_texts[number]]]:
            self._call(call)
        synchronize(self.is_cuda)

    @torch.inference_mode()
    def _call(self, call: CallT) -> None:
        arguments, named = call
        self.encoder(*arguments, **named)


def record_calls(pipe: Any, docs: list[Any]) -> list[CallT]:
    """What the component calls its encoder with for these Docs, all in one batch.

    Batches are then sorted by length over all texts, and settings are those of the component.
    """
    calls: list[CallT] = []

    def record(module: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        calls.append((arguments, named))

    encoder = get_shim(pipe.model).checkpoint.encoder
    hook = encoder.register_forward_pre_hook(record, with_kwargs=True)
    pipe.predict(docs)
    hook.remove()
    return calls


def find_workers(system: BareEncoder) -> int:
    """Workers that the batches run fastest with; 0: one after the other on all threads."""
    if system.threads < 2:
        return 0
    n_passes, system.n_passes = system.n_passes, 1
    seconds = {}
    # The second time of each counts: in the first, weights are made ready.
    for n_workers in (0, system.threads, 0, system.threads):
        system.n_workers = n_workers
        start = time.perf_counter()
        system.run()
        seconds[n_workers] = time.perf_counter() - start
    system.n_passes = n_passes
    torch.set_num_threads(system.threads)
    return min(seconds, key=lambda n: seconds[n])


def use_one_thread() -> None:
    """What this thread computes, it computes alone."""
    torch.set_num_threads(1)
