"""`spacy-bert benchmark`: how fast pipelines are, side by side, and whether they say the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import Errors, SettingError
from .benchmark_report import AGREEMENT_HEADER, HEADER, list_agreement, list_rows, make_panels
from .report import print_table, report_errors, say_good

if TYPE_CHECKING:
    from .measure.benchmark import Options
    from .measure.choices import Choice
    from .measure.result import Result

PICTURES = (".svg", ".png")


def benchmark_cli(
    pipelines: Annotated[
        list[str],
        typer.Argument(
            help="Pipelines, each [NAME=]PATH[,SECTION.KEY=VALUE...].", show_default=False
        ),
    ],
    texts: Annotated[
        list[Path],
        typer.Option(help="File of texts: .txt, .jsonl or .spacy. May be given several times."),
    ],
    n_texts: Annotated[
        int, typer.Option(min=0, help="Draw so many of the texts; 0: take all.")
    ] = 0,
    batch_size: Annotated[
        int,
        typer.Option(min=1, help="Docs a batch, where a pipeline sets no nlp.batch_size above."),
    ] = 64,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds that count.")] = 5,
    warm_up: Annotated[int, typer.Option(min=0, help="Rounds before, that do not.")] = 1,
    min_batches: Annotated[
        int, typer.Option(min=1, help="Least batches of a round; texts come again for it.")
    ] = 20,
    threads: Annotated[
        int, typer.Option(min=0, help="Threads of each pipeline; 0: as many as there are cores.")
    ] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    seed: Annotated[int, typer.Option(help="Of the drawing of texts.")] = 0,
    code: Annotated[
        Path | None, typer.Option(help="Python file with registered functions to import.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write everything to this JSON file.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw it: an .svg or .png file.")] = None,
) -> None:
    """Measure pipelines on the same texts: speed, latency, memory, agreement.

    Each runs in a process of its own; they take turns. The first one is what the others are held
    against. Its tokenizer counts the words. Example:
    spacy-bert benchmark model-best bf16=model-best,components.bert_transformer.precision=bf16
    --texts test.jsonl
    """
    with report_errors():
        from .measure.benchmark import Options

        options = Options(
            batch_size=batch_size,
            n_rounds=rounds,
            n_warm_up=warm_up,
            min_batches=min_batches,
            threads=threads or os.cpu_count() or 1,
            device=check_device(device),
            code=None if code is None else str(code),
        )
        check_writable(output, option="--output", suffixes=())
        check_writable(picture, option="--picture", suffixes=PICTURES)
        report = benchmark(pipelines, texts, options, n_texts=n_texts, seed=seed)
        print_report(report)
        for path in write_report(report, output=output, picture=picture):
            say_good(f"Wrote {path}")


class Report:
    """A benchmark with everything that has to stand beside its numbers."""

    def __init__(
        self, choices: Sequence[Choice], result: Result, options: Options, about: dict[str, Any]
    ) -> None:
        from .measure.machine import describe_line

        self.choices, self.result, self.options, self.about = choices, result, options, about
        self.summaries = result.summarise()
        self.foot = describe_line(about["machine"])

    def to_json(self) -> dict[str, Any]:
        """Machine, options, texts, and each pipeline."""
        return {
            **self.about,
            "options": asdict(self.options),
            "pipelines": [
                {**asdict(choice), **summary.to_json()}
                for choice, summary in zip(self.choices, self.summaries, strict=True)
            ],
        }


def benchmark(
    pipelines: Sequence[str],
    paths: Sequence[Path],
    options: Options,
    *,
    n_texts: int = 0,
    seed: int = 0,
) -> Report:
    """Measure pipelines on the same texts.

    pipelines (Sequence[str]): As on the command line.
    paths (Sequence[Path]): Files of texts.
    options (Options): How to measure.
    n_texts (int), seed (int): How many texts to draw, and which; 0: all.
    RETURNS (Report): What came of it.
    RAISES (SettingError): A pipeline is not named as it should be.
    RAISES (DataError): Texts cannot be read.
    RAISES (WorkerError): A pipeline cannot be loaded or run, or its process ended.
    """
    from tqdm import tqdm

    from .measure.benchmark import count_steps, make_system, run_benchmark
    from .measure.choices import parse_choices
    from .measure.machine import describe_machine, find_gpu
    from .measure.texts import read_texts

    choices = parse_choices(pipelines)
    texts = read_texts(paths, n_texts=n_texts, seed=seed)
    gpu = find_gpu() if options.device == "cuda" else ""
    machine = describe_machine(threads=options.threads, gpu=gpu)
    systems = [make_system(choice) for choice in choices]
    # Not where stderr is a file.
    total = count_steps(len(systems), options)
    with tqdm(total=total, disable=None, leave=False, file=sys.stderr) as bar:

        def show(what: str, n_steps: int) -> None:
            bar.set_description_str(what)
            bar.update(n_steps)

        result = run_benchmark(systems, texts, options, progress=show)
    about = {
        "machine": machine,
        "texts": {
            "files": [path.name for path in paths],
            "n_texts": len(texts),
            "n_characters": sum(map(len, texts)),
            "n_words": result.n_words,
            "n_pieces": result.n_pieces,
            "seed": seed,
        },
    }
    return Report(choices, result, options, about)


def print_report(report: Report) -> None:
    """Two tables: speed, and agreement where there is something to compare with."""
    result, options = report.result, report.options
    pieces = "" if result.n_pieces is None else f", {result.n_pieces:,} pieces"
    typer.echo(
        f"\n{result.n_texts:,} texts, {result.n_words:,} words{pieces}; medians of "
        f"{options.n_rounds} rounds, in brackets their 95 % interval\n{report.foot}\n"
    )
    print_table(list_rows(report.summaries), header=HEADER)
    rows = list_agreement(report.summaries)
    if rows:
        header = (f"agreement with {report.summaries[0].name}", *AGREEMENT_HEADER)
        print_table(rows, header=header)


def write_report(report: Report, *, output: Path | None, picture: Path | None) -> list[Path]:
    """Write what is asked for. RETURNS (list): The files that were written."""
    import json

    from ..viz.speed import write_speed

    if output is not None:
        text = json.dumps(report.to_json(), indent=2, ensure_ascii=False)
        output.write_text(f"{text}\n", encoding="utf8")
    if picture is not None:
        title = f"{report.result.n_texts:,} texts of {report.result.n_words:,} words"
        write_speed(picture, title, make_panels(report.summaries), foot=report.foot)
    return [path for path in (output, picture) if path is not None]


def check_device(device: str) -> str:
    """RAISES (SettingError): It is neither "cpu" nor "cuda"."""
    if device not in ("cpu", "cuda"):
        raise SettingError(Errors.SB002.format(name="--device", expected="cpu or cuda", got=device))
    return device


def check_writable(path: Path | None, *, option: str, suffixes: Sequence[str]) -> None:
    """Look before minutes of measuring whether the result can be written.

    suffixes (Sequence[str]): What the name may end in; empty: anything.
    RAISES (SettingError): It cannot.
    """
    if path is None:
        return
    problem = ""
    if suffixes and path.suffix not in suffixes:
        problem = f"its name has to end in {' or '.join(suffixes)}"
    elif path.is_dir():
        problem = "it is a folder"
    elif not path.absolute().parent.is_dir():
        problem = f"there is no folder {path.absolute().parent}"
    elif not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        problem = "there is no permission"
    if problem:
        raise SettingError(Errors.SB708.format(path=path, option=option, problem=problem))
