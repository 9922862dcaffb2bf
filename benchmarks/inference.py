"""How fast whole pipelines turn texts into Docs, against other ways to run the same weights.

    python benchmarks/inference.py --checkpoint encoders/minilm-l6 --data-dir ../shared/data
    python benchmarks/inference.py --device cuda --shape base --data-dir ../shared/data

Pipelines with heads for intents and slots are built on disk, each system runs in a process of its
own, on the same texts, in interleaved rounds. `bare encoder` gets prepared batches and is the
bound for `nlp.pipe`. Then one sentence of 12 words alone, and the token vectors of every system
against those of the padded reference.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from builds import N_STEPS, build_all
from inference_report import Findings, write_report
from machine import describe_line, describe_machine, find_gpu
from report import RESULTS
from rounds import wait_for_idle
from shapes import SHAPES, find_checkpoint, name_results
from systems import Catalogue, Contestant
from texts import describe_texts, mixed_texts
from tokenizers import Tokenizer
from tqdm import tqdm
from vectors import compare_vectors

from spacy_bert_plugin.cli.measure.benchmark import Options, count_steps, run_benchmark
from spacy_bert_plugin.cli.measure.result import Result
from spacy_bert_plugin.cli.measure.system import share_texts

SENTENCE = "Book a table for two at a good Italian restaurant in Berlin"
N_SINGLES = 100
# bf16, without sparsity, as NVIDIA gives it for the SXM5 card.
H100_TFLOPS = 989.0
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Build, measure, print, and write the results."""
    arguments = parse_arguments()
    gpu = find_gpu() if arguments.device == "cuda" else ""
    if arguments.device == "cuda" and not gpu:
        print("No CUDA device here, nothing was measured. Run the same command where one is.")
        return
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkpoint = find_checkpoint(arguments, folder)
        texts = mixed_texts(arguments.data_dir, n_texts=arguments.texts, seed=arguments.seed)
        about = describe_texts(texts, n_pieces=count_pieces(texts, checkpoint))
        print(", ".join(f"{value:,} {key.replace('_', ' ')}" for key, value in about.items()))
        builds = build_all(
            find_builds(arguments),
            arguments.builds or folder / "builds",
            checkpoint=checkpoint,
            data_dir=arguments.data_dir,
            n_steps=arguments.steps,
        )
        wait_for_idle(arguments.wait)
        machine = describe_machine(threads=arguments.threads, gpu=gpu)
        catalogue = Catalogue(
            builds, checkpoint=checkpoint, device=arguments.device, threads=arguments.threads
        )
        is_cuda = arguments.device == "cuda"
        chosen = catalogue.list_for_gpu() if is_cuda else catalogue.list_for_speed()
        chosen = choose(chosen, arguments.systems)
        singles = choose(catalogue.list_for_latency(), arguments.systems)
        speed = measure(arguments, chosen, texts)
        working = [c for c in chosen if c.system.name not in speed.failed]
        findings = Findings(
            texts=about,
            contestants=chosen,
            speed=speed,
            single_contestants=singles,
            latency=measure_latency(arguments, singles),
            vectors={} if is_cuda else find_vectors(arguments, working, checkpoint, texts, folder),
            shape=checkpoint.name,
            config=checkpoint / "config.json",
            peak_tflops=arguments.peak_tflops if is_cuda else None,
        )
        write_report(
            findings,
            RESULTS / f"{arguments.name}.json",
            machine=machine,
            foot=describe_line(machine),
            settings=asdict(make_options(arguments)) | {"seed": arguments.seed},
        )


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, default=ROOT / "encoders" / "minilm-l6")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--shape", choices=list(SHAPES), help="random weights of this shape")
    parser.add_argument("--texts", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--min-batches", type=int, default=20, help="least batches of a round")
    parser.add_argument("--steps", type=int, default=N_STEPS, help="training steps of the heads")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--systems", nargs="+", help="only those whose name begins so")
    parser.add_argument(
        "--builds", type=Path, help="keep the pipelines here, and use what is there"
    )
    parser.add_argument(
        "--peak-tflops", type=float, default=H100_TFLOPS, help="what the card can do in bf16"
    )
    parser.add_argument("--wait", type=float, default=300, help="seconds to wait for a quiet CPU")
    parser.add_argument("--name", help="name of the result files")
    arguments = parser.parse_args()
    if arguments.name is None:
        arguments.name = name_results("inference", arguments)
    return arguments


def find_builds(arguments: argparse.Namespace) -> list[str]:
    """Which pipelines are needed."""
    names = ["ours", "spacy-transformers"]
    if arguments.device == "cpu":
        names += ["ours-spacy-heads", "spacy-curated-transformers"]
    return names


def choose(contestants: list[Contestant], beginnings: list[str] | None) -> list[Contestant]:
    """Those whose name begins as asked for; all if nothing is asked for."""
    if not beginnings:
        return contestants
    return [c for c in contestants if c.system.name.startswith(tuple(beginnings))]


def make_options(arguments: argparse.Namespace) -> Options:
    """How to measure."""
    return Options(
        n_rounds=arguments.rounds,
        min_batches=arguments.min_batches,
        threads=arguments.threads,
        device=arguments.device,
    )


def measure(
    arguments: argparse.Namespace, contestants: list[Contestant], texts: list[str]
) -> Result:
    """Speed of all systems on all texts; one that fails is left out and named."""
    return run_with_bar(contestants, texts, make_options(arguments))


def measure_latency(arguments: argparse.Namespace, contestants: list[Contestant]) -> Result:
    """One sentence alone, again and again."""
    options = Options(
        n_rounds=arguments.rounds,
        min_batches=1,
        threads=arguments.threads,
        device=arguments.device,
    )
    return run_with_bar(contestants, [SENTENCE], options, single_texts=[SENTENCE] * N_SINGLES)


def run_with_bar(
    contestants: list[Contestant],
    texts: list[str],
    options: Options,
    *,
    single_texts: list[str] | None = None,
) -> Result:
    """Measure, and show how far it is; where nobody watches, a line for each step."""
    is_watched = sys.stderr.isatty()
    with tqdm(total=count_steps(len(contestants), options), disable=not is_watched) as bar:

        def show(what: str, n_steps: int) -> None:
            bar.set_description_str(what)
            bar.update(n_steps)
            if what.startswith("left out"):
                bar.write(what)
            elif n_steps and not is_watched:
                print(what, flush=True)

        return run_benchmark(
            [contestant.system for contestant in contestants],
            texts,
            options,
            single_texts=single_texts,
            is_strict=False,
            progress=show,
        )


def find_vectors(
    arguments: argparse.Namespace,
    contestants: list[Contestant],
    checkpoint: Path,
    texts: list[str],
    folder: Path,
) -> dict[str, dict[str, float]]:
    """Compare the token vectors of every whole pipeline with those of the padded reference."""
    path = share_texts(texts, folder / "texts.json")
    shared = {"texts": path, "latency_texts": path, "n_passes": 1, "device": "cpu"}
    pipelines: dict[str, dict[str, Any]] = {}
    for contestant in contestants:
        settings = dict(contestant.system.settings)
        if contestant.has_heads:
            overrides = dict(settings["overrides"])
            if overrides:
                overrides["components.bert_transformer.keep"] = "tokens"
            pipelines[contestant.system.name] = {**shared, **settings, "overrides": overrides}
    pipelines.pop("ours, spaCy's heads", None)  # the same encoder as the next one
    reference = {**shared, "checkpoint": str(checkpoint), "precision": "fp32"}
    return compare_vectors(pipelines, reference, threads=arguments.threads, folder=folder)


def count_pieces(texts: list[str], checkpoint: Path) -> int:
    """Pieces of the whole texts, without special ones."""
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
    return sum(len(encoding.ids) for encoding in encoded)


if __name__ == "__main__":
    main()
