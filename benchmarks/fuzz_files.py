"""Files of models under a mutating fuzzer: an error of ours, or a model that predicts.

    python benchmarks/fuzz_files.py                     # 3,000 cases of each kind
    python benchmarks/fuzz_files.py --n 1 --seed 812 --kind "hub folder"     # one case again

A case is a folder with one or two files made wrong (`mutations.py`), loaded and, where that works,
asked to predict. Every other end than these two is a defect: another exception, a crash, a case
that takes longer than a few seconds, more memory than a tiny model needs, a module that comes from
the folder, a process, a name that is resolved, a socket, a file that is written (`watch.py`).
Cases run in child processes, so that a crash is a result.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import spacy
import torch
from mutations import mutate
from tiny_models import make_pipeline, make_tiny_checkpoint
from watch import Watch

from spacy_bert_plugin.checkpoints import load_checkpoint, save_checkpoint
from spacy_bert_plugin.checkpoints.config_json import parse_config
from spacy_bert_plugin.encoder import PackedInput
from spacy_bert_plugin.errors import BertPluginError

SECONDS = 10.0  # of a processor for one case; what is right takes a hundredth
MAX_BYTES = 8 * 2**30
STALLED = 120.0
TEXTS = ["Play some music in LONDON, please!", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "é \u200b 好"]


@dataclass
class Kind:
    """Folders of one kind.

    make (Callable): Writes a good one.
    load (Callable): Loads one and predicts with it.
    names (list): The files that are made wrong.
    must_refuse (bool): Whether every change has to be found.
    """

    make: Callable[[Path], Any]
    load: Callable[[Path], Any]
    names: list[str]
    must_refuse: bool = False


@dataclass
class Results:
    """How cases ended.

    ends (Counter): By kind of end.
    defects (list): The seed and what happened, for each end that should not be.
    """

    ends: Counter[str] = field(default_factory=Counter)
    defects: list[str] = field(default_factory=list)


def main() -> None:
    """Run the cases of all kinds, each in child processes, and count how they end."""
    arguments = parse_arguments()
    kinds = list(KINDS) if arguments.kind is None else [arguments.kind]
    n_defects = 0
    for kind in kinds:
        results = run_in_children(kind, range(arguments.seed, arguments.seed + arguments.n))
        ends = ", ".join(f"{count} {end}" for end, count in sorted(results.ends.items()))
        print(f"{kind}: {ends}", flush=True)
        for defect in results.defects[:20]:
            print(f"    {defect}", flush=True)
        n_defects += len(results.defects)
    if n_defects:
        sys.exit(f"{n_defects} defects")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=3000, help="cases of each kind")
    parser.add_argument("--seed", type=int, default=0, help="the first of them")
    parser.add_argument("--kind", choices=list(KINDS), help="one kind only")
    return parser.parse_args()


def run_in_children(kind: str, seeds: Iterable[int]) -> Results:
    """Run cases in a child process, and in another one after each that ends it."""
    results, waiting = Results(), list(seeds)
    context = multiprocessing.get_context("fork")
    while waiting:
        ours, theirs = context.Pipe()
        child = context.Process(target=_work, args=(kind, waiting, theirs))
        child.start()
        theirs.close()
        while waiting:
            try:
                if not ours.poll(STALLED):
                    raise EOFError
                end, defect = ours.recv()
            except EOFError:
                end = "hung" if child.is_alive() else f"crashed ({child.exitcode})"
                defect = f"seed {waiting[0]}: {end}"
            results.ends[end] += 1
            if defect:
                results.defects.append(defect)
            waiting.pop(0)
            if end.startswith(("hung", "crashed")):
                break
        child.kill()
        child.join()
    return results


def _work(kind: str, seeds: list[int], pipe: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        fuzzer = Fuzzer(kind, Path(name))
        for seed in seeds:
            pipe.send(fuzzer.run(seed))


class Fuzzer:
    """Cases of one kind, one after the other in one folder.

    kind (str): One of `KINDS`.
    folder (Path): To work in.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.good, self.case = KINDS[kind], folder / "good", folder / "case"
        self.kind.make(self.good)
        self.watch = Watch(self.case)
        shutil.copytree(self.good, self.case)
        self.kind.load(self.case)  # what is loaded once (transformers) is no part of a case

    def run(self, seed: int) -> tuple[str, str]:
        """Run a case. RETURNS: How it ended, and what is wrong with that; empty if nothing."""
        rng = random.Random(seed)
        shutil.rmtree(self.case)
        shutil.copytree(self.good, self.case)
        is_changed = False
        for name in rng.sample(self.kind.names, min(len(self.kind.names), rng.choice((1, 1, 2)))):
            before = (self.good / name).read_bytes()
            after = mutate(rng, before, name=name)
            (self.case / name).write_bytes(after)
            is_changed |= after != before
        begin = time.process_time()  # whatever else the machine does
        with warnings.catch_warnings(), self.watch.on() as found:
            warnings.simplefilter("ignore")
            end, defect = self._load()
        seconds = time.process_time() - begin
        if end == "loaded" and self.kind.must_refuse and is_changed:
            defect = "a change was not found"
        if seconds > SECONDS:
            defect = f"{end} after {seconds:.1f} s"
        if found:
            defect = "; ".join(found[:3])
        return end, f"seed {seed}: {defect}" if defect else ""

    def _load(self) -> tuple[str, str]:
        try:
            self.kind.load(self.case)
        except BertPluginError as error:
            return "refused", "" if len(str(error)) < 5000 else f"a message of {len(str(error))}"
        except BaseException as error:  # noqa: BLE001 (panics are no `Exception`)
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            return "other error", f"{type(error).__name__} at {where}: {str(error)[:150]}"
        return "loaded", ""


def load_and_predict(path: Path, *, is_own: bool = False) -> None:
    """Load a checkpoint and run some texts through it."""
    checkpoint = load_checkpoint(path, is_own=is_own)
    tokenizer, encoder = checkpoint.tokenizer, checkpoint.encoder
    for pieces in tokenizer.encode(TEXTS):
        ids = [*tokenizer.prefix_ids, *pieces.ids.tolist(), *tokenizer.suffix_ids]
        ids = ids[: encoder.config.max_pieces]
        zeros = torch.zeros(len(ids), dtype=torch.int64)
        packed = PackedInput(torch.tensor(ids), torch.arange(len(ids)), zeros, (len(ids),))
        with torch.inference_mode():
            encoder(packed)


def make_own(path: Path) -> None:
    """A folder that this package saved: with a manifest."""
    make_tiny_checkpoint(path.with_name("hub"))
    save_checkpoint(load_checkpoint(path.with_name("hub")), path)


def make_other(path: Path) -> None:
    """A checkpoint whose model transformers builds."""
    from transformers import ModernBertConfig, ModernBertModel

    make_tiny_checkpoint(path)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    ids = dict.fromkeys(("cls_token_id", "sep_token_id", "bos_token_id", "eos_token_id"), 2)
    vocab_size = parse_config((path / "config.json").read_text(), source="").raw["vocab_size"]
    config = ModernBertConfig(vocab_size=vocab_size, intermediate_size=32, pad_token_id=0,
                              max_position_embeddings=64, **sizes, **ids)  # fmt: skip
    ModernBertModel(config).save_pretrained(path)


def make_pipeline_folder(path: Path) -> None:
    """A saved pipeline with heads of ours."""
    make_pipeline(make_tiny_checkpoint(path.with_name("encoder")), seed=0).to_disk(path)


def load_pipeline(path: Path) -> None:
    """Load a pipeline and run some texts through it."""
    list(spacy.load(path).pipe(TEXTS))


HUB = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
HEADS = [f"{head}/{name}" for head in ("bert_ner", "bert_textcat") for name in ("cfg", "model")]
KINDS = {
    "hub folder": Kind(make_tiny_checkpoint, load_and_predict, HUB),
    "own folder": Kind(
        make_own,
        lambda path: load_and_predict(path, is_own=True),
        [*HUB, "manifest.json"],
        must_refuse=True,
    ),
    "transformers": Kind(make_other, load_and_predict, HUB),
    "heads": Kind(make_pipeline_folder, load_pipeline, HEADS, must_refuse=True),
}

if __name__ == "__main__":
    main()
