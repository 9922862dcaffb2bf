"""Processes killed at random moments while they save, and while they train: what is left loads.

    python benchmarks/kill_saves.py                    # 200 of each, about ten minutes
    python benchmarks/kill_saves.py --n 5 --seed 17    # five, from seed 17

Each seed is a child process that is killed with SIGKILL after a random time. Saving: an old
pipeline lies on disk, a new one is saved over it, again and again; afterwards every byte is that of
the old one or every byte is that of the new one, and both load and predict. Training: as `spacy
bert train` does it; afterwards what lies in the folder of the run loads and predicts, and the run
goes on to the weights of a run that nobody has killed. What SIGKILL cannot show is a loss of power,
for which files and folders are synced before they are renamed. For Linux and macOS: children are
forked.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import spacy
import torch
from machine import describe_machine
from report import RESULTS, write_json
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.util import load_config_from_str
from tiny_models import BOOKING, make_pipeline, make_tiny_checkpoint

from spacy_bert_plugin.checkpoints.atomic import find_folder
from spacy_bert_plugin.training.folders import recover_folder
from spacy_bert_plugin.training.loop import train
from spacy_bert_plugin.training.output import RunFolder
from spacy_bert_plugin.training.saving import save_pipeline

N_STEPS = 8
CONFIG = """
[nlp]
lang = "en"
pipeline = ["bert_transformer", "bert_ner"]

[components]

[components.bert_transformer]
factory = "bert_transformer"

[components.bert_transformer.model]
@architectures = "spacy-bert-plugin.BertEncoder.v1"
name = "{encoder}"
overlap = 8

[components.bert_ner]
factory = "bert_ner"

[corpora]

[corpora.train]
@readers = "spacy.Corpus.v1"
path = "{data}"

[corpora.dev]
@readers = "spacy.Corpus.v1"
path = "{data}"

[training]
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"
seed = 3
gpu_allocator = null
dropout = 0.2
max_steps = {n_steps}
eval_frequency = 2

[training.batcher]
@batchers = "spacy.batch_by_words.v1"
size = 20
tolerance = 0.2

[training.optimizer]
@optimizers = "spacy-bert-plugin.AdamW.v1"
learn_rate = 1e-3
"""


def main() -> None:
    """Kill, look, count, and write the results."""
    arguments = parse_arguments()
    torch.set_num_threads(1)  # a forked child has no other thread anyway
    with tempfile.TemporaryDirectory() as name:
        rows = {
            what: kill(Path(name) / what, n=arguments.n, seed=arguments.seed)
            for what, kill in (("saving", kill_saves), ("training", kill_trainings))
            if what in arguments.what
        }
    for what, counts in rows.items():
        print(f"{what}: " + ", ".join(f"{count} {state}" for state, count in counts.items()))
    if arguments.n >= 200 and len(rows) == 2:
        machine = describe_machine(threads=1)
        write_json(RESULTS / "kill_saves.json", {"machine": machine, "n": arguments.n, **rows})
    if any("lost" in counts for counts in rows.values()):
        sys.exit("a model was lost")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=200, help="seeds of each kind")
    parser.add_argument("--seed", type=int, default=0, help="the first of them")
    parser.add_argument("--what", nargs="+", default=["saving", "training"], help="which kinds")
    return parser.parse_args()


def kill_saves(folder: Path, *, n: int, seed: int) -> dict[str, int]:
    """Kill saves of a pipeline. RETURNS (dict): How often which state was left."""
    folder.mkdir(parents=True)
    encoder = make_tiny_checkpoint(folder / "encoder")
    pipelines = [make_pipeline(encoder, seed=number) for number in (0, 1)]
    target = folder / "models" / "model"
    trees, seconds = [], 0.0
    for nlp in pipelines:
        begin = time.perf_counter()
        save_pipeline(nlp, target)
        seconds = time.perf_counter() - begin
        trees.append(hash_tree(target))
        spacy.load(target)(BOOKING)

    def save() -> None:
        for number in range(10_000):
            save_pipeline(pipelines[number % 2], target)

    counts: Counter[str] = Counter()
    for number in range(seed, seed + n):
        # Up to three saves, so that every place of a save is met, and its begin as well.
        killed = kill_at(save, random.Random(number).uniform(0.0, 3.0 * seconds))
        left = hash_tree(find_folder(target)) if find_folder(target).exists() else "nothing"
        state = ["old", "new"][trees.index(left)] if left in trees else "lost"
        counts[state] += 1
        if not target.exists():
            counts["under its hidden name"] += 1
        if state == "lost" or not killed:
            print(f"seed {number}: {state}, killed: {killed}", flush=True)
            shutil.rmtree(folder / "models")
        save_pipeline(pipelines[0], target)
        if os.listdir(target.parent) != ["model"]:
            counts["lost"] += 1
            print(f"seed {number}: left behind {os.listdir(target.parent)}", flush=True)
    return dict(counts)


def kill_trainings(folder: Path, *, n: int, seed: int) -> dict[str, int]:
    """Kill trainings, and let them go on. RETURNS (dict): How often which state was left."""
    folder.mkdir(parents=True)
    config = make_config(make_tiny_checkpoint(folder / "encoder"), folder)
    begin = time.perf_counter()
    run(config, folder / "whole")
    seconds = time.perf_counter() - begin
    expected = hash_weights(folder / "whole")
    counts: Counter[str] = Counter()
    for number in range(seed, seed + n):
        output = folder / str(number)
        kill_at(
            lambda output=output: run(config, output),
            random.Random(number).uniform(0.1, 1.1) * seconds,
        )
        runs = RunFolder(output)
        for part in runs.parts:
            recover_folder(part)
        state = "with a state" if runs.resume.exists() else "without a state"
        try:
            for path in (runs.best, runs.last, runs.resume / "model"):
                if path.exists():
                    spacy.load(path)(BOOKING)
            run(config, output, resume=runs.resume.exists())
            if hash_weights(output) != expected:
                state = "lost"
        except Exception as error:  # noqa: BLE001 (whatever it is, it is printed and counted)
            print(f"seed {number}: {error!r}", flush=True)
            state = "lost"
        counts[state] += 1
        shutil.rmtree(output, ignore_errors=True)
    return dict(counts)


def kill_at(work: Callable[[], Any], seconds: float) -> bool:
    """Do something in a process of its own and kill that. RETURNS (bool): It had not ended."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def make_config(encoder: Path, folder: Path) -> Any:
    """Write a corpus, and make the config of a training on it."""
    nlp = spacy.blank("en")
    docs = []
    for number in range(12):
        doc = nlp.make_doc("please " * (number % 4) + BOOKING)
        doc.ents = [doc.char_span(len(doc.text) - 6, len(doc.text), label="CITY")]
        docs.append(doc)
    DocBin(docs=docs).to_disk(folder / "data.spacy")
    text = CONFIG.format(encoder=encoder, data=folder / "data.spacy", n_steps=N_STEPS)
    return load_config_from_str(text)


def run(config: Any, output: Path, *, resume: bool = False) -> None:
    """Train in silence."""
    nlp = init_nlp(config.copy())
    train(nlp, output, resume=resume, save_every=1, stdout=io.StringIO(), stderr=io.StringIO())


def hash_weights(output: Path) -> str:
    """Hash what a finished run has learned."""
    names = ("model", "model.safetensors", "optimizer.safetensors")
    return hash_tree(output, keep=lambda path: path.name in names)


def hash_tree(folder: Path, *, keep: Callable[[Path], bool] = lambda path: True) -> str:
    """Hash the files below a folder with their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and keep(path):
            data = path.read_bytes()
            digest.update(f"{path.relative_to(folder)}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


if __name__ == "__main__":
    main()
