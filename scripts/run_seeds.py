"""Fine-tune one encoder with several seeds, and score each on dev and test.

With --random the weights are not the encoder's: each seed draws its own for a network of the same
shape with the same vocabulary. What is kept of a seed is a file of scores; its model is not.
"""

import shlex
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import torch
import typer
from evaluate_pipeline import HEADLINES, evaluate
from wasabi import msg

from spacy_bert_plugin.checkpoints import build_checkpoint, load_checkpoint, save_checkpoint
from spacy_bert_plugin.cli.report import report_errors
from spacy_bert_plugin.cli.train import INTERRUPTED, train

# The first of these that a data set has is the one compared.
COMPARED = ("cats_acc", "ents_f", "cats_macro_f")


def make_random(encoder: Path, folder: Path, *, seed: int) -> None:
    """Write a checkpoint as another one, but with random weights.

    encoder (Path): Its shape and vocabulary are taken.
    folder (Path): Where the new one goes.
    """
    model = load_checkpoint(encoder)
    if model.config.encoder is None:
        msg.fail(f"{encoder} is of a family whose weights cannot be drawn anew", exits=1)
    torch.manual_seed(seed)
    save_checkpoint(
        build_checkpoint(model.config.encoder, model.tokenizer, family=model.config.family), folder
    )


def find_compared(scores: dict[str, float]) -> str | None:
    """Name of the score that is compared."""
    return next((name for name in COMPARED if name in scores), None)


def choose_scores(scores: dict[str, Any]) -> dict[str, float]:
    """The scores that are compared."""
    return {name: scores[name] for name in HEADLINES if isinstance(scores.get(name), float)}


def run_seed(
    config: Path,
    corpus: Path,
    encoder: Path,
    *,
    seed: int,
    is_random: bool,
    gpu: int,
    overrides: dict[str, Any],
) -> dict[str, Any]:
    """Fine-tune once.

    config (Path), overrides (dict): How to train.
    corpus (Path): Folder with train.spacy, dev.spacy and test.spacy.
    RETURNS (dict): Seed, scores on dev and test, minutes, and best step.
    RAISES (typer.Exit): Ctrl-C.
    """
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if is_random:
            make_random(encoder, folder / "encoder", seed=seed)
            encoder = folder / "encoder"
        outcome = train(
            config,
            folder / "run",
            use_gpu=gpu,
            overrides={
                "paths.train": str(corpus / "train.spacy"),
                "paths.dev": str(corpus / "dev.spacy"),
                "system.seed": seed,
                "components.bert_transformer.model.name": str(encoder),
                **overrides,
            },
        )
        if outcome.reason == "interrupted":
            raise typer.Exit(INTERRUPTED)
        minutes = (time.perf_counter() - start) / 60
        model = folder / "run" / "model-best"
        scores = {
            part: choose_scores(evaluate(model, corpus / f"{part}.spacy"))
            for part in ("dev", "test")
        }
    best_step = None if outcome.best is None else outcome.best[1]
    return {"seed": seed, **scores, "minutes": round(minutes, 2), "best_step": best_step}


def read_seeds(text: str) -> list[int]:
    """Read numbers with commas between them."""
    return [int(part) for part in text.split(",") if part.strip()]


def check_paths(paths: Sequence[Path]) -> None:
    """End with a message where one is missing."""
    for path in paths:
        if not path.exists():
            msg.fail(f"There is no {path}", "Run the steps before this one first.", exits=1)


def main(
    config: Path,
    corpus: Path,
    encoder: Path,
    out: Path,
    seeds: Annotated[str, typer.Option(help="With commas between them.")] = "0,1,2",
    random: Annotated[bool, typer.Option("--random", help="Random weights.")] = False,
    gpu: Annotated[int, typer.Option(help="-1 is the CPU.")] = -1,
    options: Annotated[str, typer.Option(help="Settings of the config, as for train.")] = "",
) -> None:
    """Fine-tune ENCODER as CONFIG says on the data sets of CORPUS; OUT gets SEED.json."""
    from spacy.cli._util import parse_config_overrides

    check_paths([config, corpus, encoder])
    spacy.util.registry.cli.get_all()
    overrides = parse_config_overrides(shlex.split(options))
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.json"):
        old.unlink()
    for seed in read_seeds(seeds):
        with report_errors():
            result = run_seed(
                config, corpus, encoder, seed=seed, is_random=random, gpu=gpu, overrides=overrides
            )
        srsly.write_json(out / f"{seed}.json", result)
        if (key := find_compared(result["test"])) is not None:
            dev, test = (100 * result[part][key] for part in ("dev", "test"))
            msg.good(f"Seed {seed}: {HEADLINES[key]} {dev:.1f} on dev, {test:.1f} on test")


if __name__ == "__main__":
    typer.run(main)
