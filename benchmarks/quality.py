"""How good the trained pipelines are: ours, a bare PyTorch loop, and spacy-transformers.

    python benchmarks/quality.py --checkpoint encoders/minilm-l6 --data-dir ../shared/data

Same data, same words a batch, same steps, same learning-rate schedule, same seeds. Every training
is a process of its own; what is in the result file already is not trained again, so a run can be
stopped and gone on with. Dev chooses the checkpoint (and thresholds); test is scored once.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from corpora import count_words, cut_corpora, prepare_corpora
from job import Job
from machine import describe_line, describe_machine
from quality_picture import draw_quality
from quality_table import print_quality
from recipes import RECIPES, can_run, describe_settings, find_overrides
from report import RESULTS
from runs import Runs, run_in_process

SYSTEMS = ("ours", "ours-spacy-heads", "bare", "spacy-transformers")
ROOT = Path(__file__).resolve().parent.parent
SCRATCH = RESULTS / "tmp"


def main() -> None:
    """Train what is missing, print the table."""
    arguments = parse_arguments()
    runs = Runs(arguments.out)
    failed = [] if arguments.table else train_missing(arguments, runs)
    print_quality(runs.all(), arguments.data, arguments.systems)
    if runs.machine:
        foot = describe_line(runs.machine)
        print(foot)
        draw_quality(arguments.out.with_suffix(".png"), runs.all(), arguments.systems, foot=foot)
    for name in failed:
        print(f"failed: {name}")
    sys.exit(1 if failed else 0)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, default=ROOT / "encoders" / "minilm-l6")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--data", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument(
        "--systems", nargs="+", default=["ours", "bare", "spacy-transformers"], choices=SYSTEMS
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=RESULTS / "quality.json")
    parser.add_argument("--scratch", type=Path, default=SCRATCH, help="converted data and logs")
    parser.add_argument("--keep-models", action="store_true", help="leave the pipelines in there")
    parser.add_argument("--table", action="store_true", help="train nothing, print the table")
    parser.add_argument("--max-steps", type=int, default=0, help="cut every run short: a trial")
    parser.add_argument("--texts", type=int, default=0, help="texts of each split: a trial")
    arguments = parser.parse_args()
    is_trial = arguments.max_steps or arguments.texts
    if is_trial and arguments.out == RESULTS / "quality.json":
        arguments.out = arguments.scratch / "quality-trial.json"
    return arguments


def train_missing(arguments: argparse.Namespace, runs: Runs) -> list[str]:
    """Run the jobs one after the other, seed by seed. RETURNS (list): Those that failed."""
    runs.machine = describe_machine(threads=arguments.threads)
    failed = []
    corpora = {data: find_corpora(arguments, data) for data in arguments.data}
    for seed in arguments.seeds:
        for data in arguments.data:
            for system in arguments.systems:
                if not can_run(system, data):
                    continue
                settings = describe_run(arguments, system, data)
                name = f"{data}, {system}, seed {seed}"
                if runs.has(data, system, seed, settings):
                    print(f"{name}: there already", flush=True)
                    continue
                print(f"{name} ...", flush=True)
                job = make_job(arguments, system, data, seed=seed, corpora=corpora[data])
                outcome = run_in_process(
                    job, threads=arguments.threads, keep_models=arguments.keep_models
                )
                if outcome is None:
                    failed.append(f"{name}: see {job.folder}.log")
                else:
                    runs.add(data, system, seed, settings, outcome)
                    print(f"  {show_scores(outcome['scores'])}", flush=True)
    return failed


def find_corpora(arguments: argparse.Namespace, data: str) -> dict[str, Path]:
    """The `.spacy` files of a data set, cut short for a trial."""
    folder = arguments.scratch / "corpora"
    paths = prepare_corpora(data, data_dir=arguments.data_dir, folder=folder)
    if not arguments.texts:
        return paths
    cut = folder / f"{data}-{arguments.texts}"
    cut.mkdir(parents=True, exist_ok=True)
    return cut_corpora(paths, n_texts=arguments.texts, folder=cut)


def describe_run(arguments: argparse.Namespace, system: str, data: str) -> dict[str, Any]:
    """Settings that a stored run must share to stand for this one."""
    settings = describe_settings(system, data)
    for name in ("max_steps", "texts"):
        if getattr(arguments, name):
            settings[name] = getattr(arguments, name)
    return {**settings, "threads": arguments.threads, "checkpoint": arguments.checkpoint.name}


def make_job(
    arguments: argparse.Namespace, system: str, data: str, *, seed: int, corpora: dict[str, Path]
) -> Job:
    """A run with its steps counted."""
    recipe = RECIPES[data]
    n_words = count_words(corpora["train"])
    n_steps, eval_every = recipe.plan_steps(n_words, max_steps=arguments.max_steps)
    return Job(
        data=data,
        system=system,
        seed=seed,
        recipe=recipe,
        overrides=find_overrides(system, data),
        paths={split: str(path.resolve()) for split, path in corpora.items()},
        checkpoint=str(arguments.checkpoint.resolve()),
        n_steps=n_steps,
        eval_every=eval_every,
        folder=str((arguments.scratch / "runs" / f"{data}-{system}-{seed}").resolve()),
    )


def show_scores(scores: dict[str, float]) -> str:
    """One line of scores."""
    return ", ".join(f"{name} {value:.4f}" for name, value in scores.items())


if __name__ == "__main__":
    main()
