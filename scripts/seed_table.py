"""Compare what run_seeds.py has found: a table of means and spreads, numbers, and a page.

    METRICS/DATA/START/SEED.json       scores of one seed on dev and test
    METRICS/pretraining/NAME.jsonl     log of the pretraining of each encoder

DATA is a data set, and START what its trainings began with: one of them is the baseline.
"""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import srsly
import typer
from evaluate_pipeline import HEADLINES
from run_seeds import find_compared
from wasabi import msg

from spacy_bert_plugin.cli.pretrain_charts import make_pretraining_charts
from spacy_bert_plugin.viz import Dots, Fact, Report, draw_report


@dataclass(frozen=True)
class Row:
    """The seeds of one start.

    dev, test: The score of each seed, from 0 to 1, in the order of the seeds.
    gain: Mean on test above that of the baseline; None for the baseline itself.
    is_clear: The gain, up or down, is larger than the spread of the seeds of either.
    """

    data: str
    score: str
    start: str
    seeds: tuple[int, ...]
    dev: tuple[float, ...]
    test: tuple[float, ...]
    gain: float | None = None
    dev_gain: float | None = None
    is_clear: bool = False


def read_rows(folder: Path, *, baseline: str) -> list[Row]:
    """Read the scores of all seeds.

    folder (Path): As described above.
    baseline (str): The start that others are compared with; it comes first.
    RETURNS (list): By data set.
    """
    rows: list[Row] = []
    for data in sorted(path for path in folder.glob("*") if path.is_dir()):
        starts = sorted(data.glob("*"), key=lambda path: (path.name != baseline, path.name))
        found = [row for start in starts if (row := read_row(start)) is not None]
        if found and found[0].start == baseline:
            found = [found[0], *(compare(row, found[0]) for row in found[1:])]
        rows += found
    return rows


def read_row(folder: Path) -> Row | None:
    """Read the seeds of one start; None if there are none."""
    runs = [srsly.read_json(path) for path in folder.glob("*.json")]
    runs.sort(key=lambda run: run["seed"])
    key = find_compared(runs[0]["test"]) if runs else None
    if key is None:
        return None
    return Row(
        folder.parent.name,
        key,
        folder.name,
        tuple(run["seed"] for run in runs),
        tuple(run["dev"][key] for run in runs),
        tuple(run["test"][key] for run in runs),
    )


def compare(row: Row, base: Row) -> Row:
    """Say how far a row is above the baseline."""
    gain, dev_gain = mean(row.test) - mean(base.test), mean(row.dev) - mean(base.dev)
    spread = max(max(one.test) - min(one.test) for one in (row, base))
    return Row(
        **{**asdict(row), "gain": gain, "dev_gain": dev_gain, "is_clear": abs(gain) > spread}
    )


def read_pretraining(folder: Path) -> dict[str, dict[str, Any]]:
    """By name of the log, the figures of the step with the lowest held-out loss: model-best.

    folder (Path): With NAME.jsonl.
    """
    found = {}
    for path in sorted(folder.glob("*.jsonl")):
        rows = [row for row in srsly.read_jsonl(path) if row["held_out"]]
        if not rows:
            continue
        best = min(rows, key=lambda r: r["held_out"]["word_loss"] + r["held_out"]["pair_loss"])
        held = best["held_out"]
        found[path.stem] = {
            "step": best["step"],
            "minutes": round(rows[-1]["seconds"] / 60, 2),
            "pieces": rows[-1]["pieces"],
            "word_loss": held["word_loss"],
            "word_accuracy": held["word_accuracy"],
            **(best["baselines"] or {}),
            **({"pair_accuracy": held["pair_accuracy"]} if held["n_pairs"] else {}),
        }
    return found


def show_spread(values: tuple[float, ...]) -> str:
    """`mean (least to most)`, in percent."""
    extremes = f"{100 * min(values):.1f} to {100 * max(values):.1f}"
    return f"{100 * mean(values):.1f} ({extremes})" if len(values) > 1 else f"{100 * values[0]:.1f}"


def show_gain(row: Row) -> str:
    if row.gain is None:
        return ""
    return f"{100 * row.gain:+.1f}" + ("" if row.is_clear else " (within the spread)")


def print_rows(rows: list[Row]) -> None:
    cells = []
    for row in rows:
        what = (row.data, HEADLINES[row.score], row.start, str(len(row.seeds)))
        cells.append((*what, show_spread(row.dev), show_spread(row.test), show_gain(row)))
    header = ("Data", "Score in %", "Starts with", "Seeds", "Dev", "Test", "Gain on test")
    msg.table(cells, header=header, divider=True)


def print_pretraining(found: dict[str, dict[str, Any]]) -> None:
    names = ("word_accuracy", "unigram", "bigram", "pair_accuracy")
    cells = []
    for name, one in found.items():
        scores = (f"{100 * one[key]:.1f}" if key in one else "" for key in names)
        cells.append((name, f"{one['minutes']:.1f}", f"{one['pieces']:,}", *scores))
    header = ("Pretraining", "Minutes", "Pieces", "Words %", "Unigram %", "Bigram %", "Pairs %")
    msg.table(cells, header=header, aligns=("l", *"rrrrrr"), divider=True)


def make_page(
    title: str, rows: list[Row], pretraining: dict[str, dict[str, Any]], logs: Path
) -> Report:
    """What stands on the page: figures, the curves of each pretraining, and a dot a seed."""
    headline, charts = [], []
    for name, one in pretraining.items():
        of = "" if len(pretraining) == 1 else f", {name}"
        baselines = ", ".join(
            f"{key} {100 * one[key]:.1f}" for key in ("bigram", "unigram") if key in one
        )
        words = f"{100 * one['word_accuracy']:.1f} %"
        headline.append(Fact(f"Masked words guessed{of}", words, baselines))
        if "pair_accuracy" in one:
            pairs = f"{100 * one['pair_accuracy']:.1f} %"
            headline.append(Fact(f"Next sentences told{of}", pairs, "chance is 50"))
        charts += make_pretraining_charts(list(srsly.read_jsonl(logs / f"{name}.jsonl")))
    for row in rows:
        if row.gain is not None:
            note = f"{HEADLINES[row.score]} on test, points over the baseline"
            headline.append(Fact(f"{row.data}, {row.start}", f"{100 * row.gain:+.1f}", note))
    dots = tuple(
        Dots(
            f"{data}: {HEADLINES[score]} on test, %",
            tuple((r.start, tuple(100 * v for v in r.test)) for r in rows if r.data == data),
        )
        for data, score in dict.fromkeys((row.data, row.score) for row in rows)
    )
    return Report(title, headline=tuple(headline), charts=tuple(charts), dots=dots)


def main(
    metrics: Path,
    out: Path,
    page: Path,
    baseline: Annotated[str, typer.Option(help="Start that others are compared with.")] = "random",
    title: Annotated[str, typer.Option(help="Of the page.")] = "Fine-tuned from several starts",
    log: Annotated[list[str] | None, typer.Option(help="NAME=LOG of a pretraining.")] = None,
) -> None:
    """Print what METRICS holds; write numbers to OUT and a page to PAGE."""
    logs = metrics / "pretraining"
    for one in log or []:
        name, _, path = one.partition("=")
        if not Path(path).is_file():
            msg.fail(f"There is no {path}", "Run the pretraining before.", exits=1)
        logs.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, logs / f"{name}.jsonl")
    rows, pretraining = read_rows(metrics, baseline=baseline), read_pretraining(logs)
    if not rows:
        msg.fail(f"No seed has scores in {metrics}", "Run run_seeds.py first.", exits=1)
    if pretraining:
        print_pretraining(pretraining)
    print_rows(rows)
    for path in (out, page):
        path.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(out, {"pretraining": pretraining, "rows": [asdict(row) for row in rows]})
    page.write_text(draw_report(make_page(title, rows, pretraining, logs)), encoding="utf8")
    msg.good(f"The page is {page}", f"Numbers: {out}")


if __name__ == "__main__":
    typer.run(main)
