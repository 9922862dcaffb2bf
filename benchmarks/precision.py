"""What precision costs: test scores of trained pipelines in fp32, bf16 and int8, maps left out.

    python benchmarks/precision.py                      # what project.yml has trained
    python benchmarks/precision.py --pair wnut17 training/wnut17/model-best corpus/wnut17/test.spacy

Every setting is the same folder, loaded with another `precision` (and `int8_skip`). A setting that
this machine cannot compute is left out and named. Speed is that of the test texts, the settings
taking turns; `inference.py` is the benchmark for it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
import torch
from machine import describe_line, describe_machine
from precision_picture import draw_losses
from report import RESULTS, print_table, write_json

from spacy_bert_plugin.cli.measure.rounds import take_turns
from spacy_bert_plugin.cli.measure.spread import ratio_of, spread_of
from spacy_bert_plugin.cli.measure.texts import read_texts
from spacy_bert_plugin.compression import choose_metrics, compare_vectors, score_pipeline
from spacy_bert_plugin.errors import SettingError

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("wnut17", "snips", "rotten_tomatoes")
SPLITS = ("test.spacy", "validate.spacy")
MAPS = ("qkv", "output", "up", "down")
BASE = "fp32"
N_TEXTS = 200
# Besides the scores of the components: where every text has exactly one category, this is accuracy.
EXTRA = ("cats_micro_f",)
HEADER = (
    "data",
    "setting",
    "scores (change in points)",
    "cosine, mean",
    "lowest 1 %",
    "times as fast",
)


@dataclass(frozen=True)
class Pair:
    """A trained pipeline and what it is scored on."""

    name: str
    model: Path
    data: Path


def main() -> None:
    """Score every pipeline in every setting, store and draw."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    settings = list_settings(arguments.skip)
    machine = describe_machine(threads=arguments.threads)
    results = {}
    for pair in arguments.pairs:
        print(f"{pair.name} ...", flush=True)
        results[pair.name] = measure_pair(pair, settings, n_rounds=arguments.rounds)
    print_table(HEADER, list_rows(results))
    write_json(arguments.out, {"machine": machine, "results": results})
    foot = describe_line(machine)
    print(foot)
    draw_losses(arguments.out.with_suffix(".png"), results, foot=foot)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--pair", nargs=3, action="append", metavar=("NAME", "MODEL", "DATA"), default=[]
    )
    parser.add_argument(
        "--skip",
        action="append",
        help="maps that stay out of int8, joined by commas; a setting each (default: each alone)",
    )
    parser.add_argument("--rounds", type=int, default=5, help="of the measurement of speed")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=RESULTS / "precision.json")
    arguments = parser.parse_args()
    pairs = [Pair(name, Path(model), Path(data)) for name, model, data in arguments.pair]
    arguments.pairs = pairs or find_pairs(ROOT)
    if not arguments.pairs:
        parser.error("there is no trained pipeline: python -m spacy project run all, or --pair")
    for pair in arguments.pairs:
        for path in (pair.model, pair.data):
            if not path.exists():
                parser.error(f"there is no {path}")
    return arguments


def find_pairs(root: Path) -> list[Pair]:
    """The pipelines that the project has trained, each with its test split."""
    found = []
    for name in NAMES:
        model = root / "training" / name / "model-best"
        splits = [root / "corpus" / name / split for split in SPLITS]
        data = next((path for path in splits if path.exists()), None)
        if model.exists() and data is not None:
            found.append(Pair(name, model, data))
    return found


def list_settings(skips: Sequence[str] | None) -> dict[str, dict[str, Any]]:
    """Overrides of a config by name of the setting."""
    prefix = "components.bert_transformer"
    settings: dict[str, dict[str, Any]] = {
        name: {f"{prefix}.precision": name} for name in (BASE, "bf16", "int8")
    }
    # The empty list counts: the folder itself may leave maps out.
    skipped = {"int8": []}
    for text in MAPS if skips is None else skips:
        maps = [part.strip() for part in text.split(",") if part.strip()]
        skipped[f"int8 without {', '.join(maps)}"] = maps
    for name, maps in skipped.items():
        settings[name] = {f"{prefix}.precision": "int8", f"{prefix}.model.int8_skip": maps}
    return settings


def measure_pair(
    pair: Pair, settings: dict[str, dict[str, Any]], *, n_rounds: int
) -> dict[str, Any]:
    """Score one pipeline in all settings that this machine can compute.

    RETURNS (dict): `metrics`; `settings` by name, each with `scores`, `cosine` of token vectors
        against fp32, `words_per_second` and `times_as_fast`; `left_out` by name, why.
    """
    original = spacy.load(pair.model, config=settings[BASE])
    before = score_pipeline(original, pair.data)
    chosen = choose_metrics(original, before, data=pair.data)
    metrics = [*chosen, *(name for name in EXTRA if name in before and name not in chosen)]
    texts = read_texts([pair.data])[:N_TEXTS]
    found: dict[str, dict[str, Any]] = {}
    left_out: dict[str, str] = {}
    turns: dict[str, Callable[[], float]] = {}
    for name, overrides in settings.items():
        try:
            nlp = spacy.load(pair.model, config=overrides)
            scores = score_pipeline(nlp, pair.data)
        except SettingError as error:
            left_out[name] = str(error)
            print(f"  {name} is left out: {error}", flush=True)
            continue
        likeness = compare_vectors(original, nlp, texts)
        found[name] = {
            "scores": {key: scores[key] for key in metrics},
            "cosine": None if likeness is None else vars(likeness),
        }
        turns[name] = make_turn(nlp, texts)
        print(f"  {name}: {show_scores(found[name], found[BASE])}", flush=True)
    rates = take_turns(turns, n_rounds=n_rounds)
    for name, values in rates.items():
        found[name]["words_per_second"] = spread_of(values).to_json()
        found[name]["times_as_fast"] = ratio_of(values, rates[BASE]).to_json()
    return {"metrics": metrics, "settings": found, "left_out": left_out}


def make_turn(nlp: Any, texts: Sequence[str]) -> Callable[[], float]:
    """One run over the texts, which gives words a second."""

    def run() -> float:
        start = time.perf_counter()
        n_words = sum(len(doc) for doc in nlp.pipe(texts))
        return n_words / (time.perf_counter() - start)

    return run


def show_scores(setting: dict[str, Any], base: dict[str, Any]) -> str:
    """`ents_f 45.10 (-0.12), cats_score ...`"""
    return ", ".join(
        f"{key} {100 * value:.2f} ({100 * (value - base['scores'][key]):+.2f})"
        for key, value in setting["scores"].items()
    )


def list_rows(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row a data set and setting, under `HEADER`."""
    rows = []
    for data, result in results.items():
        base = result["settings"][BASE]
        for name, setting in result["settings"].items():
            cosine = setting["cosine"] or {}
            shown = [f"{cosine[key]:.4f}" if key in cosine else "" for key in ("mean", "low")]
            ratio = setting["times_as_fast"]
            speed = "{median:.2f} ({low:.2f} to {high:.2f})".format(**ratio)
            rows.append((data, name, show_scores(setting, base), *shown, speed))
    return rows


if __name__ == "__main__":
    main()
